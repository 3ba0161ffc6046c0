//! The parts of a description that can be asked for by name.
use crate::text_enum::text_enum;

text_enum! {
    /// Names a part of a model's description for the `expand` argument.
    ExpandModelProperty {
        Author = "author",
        BaseModels = "baseModels",
        CardData = "cardData",
        ChildrenModelCount = "childrenModelCount",
        Config = "config",
        CreatedAt = "createdAt",
        Disabled = "disabled",
        Downloads = "downloads",
        DownloadsAllTime = "downloadsAllTime",
        Gated = "gated",
        Gguf = "gguf",
        Inference = "inference",
        LastModified = "lastModified",
        LibraryName = "library_name",
        Likes = "likes",
        MaskToken = "mask_token",
        ModelIndex = "model-index",
        PipelineTag = "pipeline_tag",
        Private = "private",
        Safetensors = "safetensors",
        Sha = "sha",
        Siblings = "siblings",
        Spaces = "spaces",
        Tags = "tags",
        TransformersInfo = "transformersInfo",
        TrendingScore = "trendingScore",
        WidgetData = "widgetData",
    }
}

text_enum! {
    /// Names a part of a dataset's description for the `expand` argument.
    ExpandDatasetProperty {
        Author = "author",
        CardData = "cardData",
        Citation = "citation",
        CreatedAt = "createdAt",
        Disabled = "disabled",
        Description = "description",
        Downloads = "downloads",
        DownloadsAllTime = "downloadsAllTime",
        Gated = "gated",
        LastModified = "lastModified",
        Likes = "likes",
        PaperswithcodeId = "paperswithcode_id",
        Private = "private",
        Siblings = "siblings",
        Sha = "sha",
        TrendingScore = "trendingScore",
        Tags = "tags",
    }
}

text_enum! {
    /// Names a part of a Space's description for the `expand` argument.
    ExpandSpaceProperty {
        Author = "author",
        CardData = "cardData",
        CreatedAt = "createdAt",
        Datasets = "datasets",
        Disabled = "disabled",
        LastModified = "lastModified",
        Likes = "likes",
        Models = "models",
        Private = "private",
        Runtime = "runtime",
        Sdk = "sdk",
        Siblings = "siblings",
        Sha = "sha",
        Subdomain = "subdomain",
        Tags = "tags",
        TrendingScore = "trendingScore",
    }
}
