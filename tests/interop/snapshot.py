"""Downloads a snapshot into the cache and prints its folder as JSON."""

import json
import sys

from huggingface_hub import snapshot_download

print(json.dumps(snapshot_download(sys.argv[1])))
