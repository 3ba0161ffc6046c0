"""Creates a repository, uploads a folder into it and prints what listings then tell, as JSON."""

import json
import sys

from huggingface_hub import HfApi

repo, folder = sys.argv[1:]
api = HfApi()
api.create_repo(repo)
api.create_repo(repo, exist_ok=True)
api.upload_folder(repo_id=repo, folder_path=folder, commit_message="Add the model")
print(
    json.dumps(
        {
            "files": api.list_repo_files(repo),
            # Files have a blob, folders have not.
            "tree": [item.path for item in api.list_repo_tree(repo, recursive=True) if hasattr(item, "blob_id")],
            "models": [model.id for model in api.list_models(author=repo.split("/")[0])],
        }
    )
)
