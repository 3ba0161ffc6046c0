//! `.gitattributes`: which files are LFS files.
use super::wildmatch::matches;

/// What new repositories begin with: the formats of models, data and media that are large as a rule.
pub(crate) const DEFAULT: &str = "\
*.7z filter=lfs diff=lfs merge=lfs -text
*.arrow filter=lfs diff=lfs merge=lfs -text
*.bin filter=lfs diff=lfs merge=lfs -text
*.bz2 filter=lfs diff=lfs merge=lfs -text
*.ckpt filter=lfs diff=lfs merge=lfs -text
*.ftz filter=lfs diff=lfs merge=lfs -text
*.gguf filter=lfs diff=lfs merge=lfs -text
*.gz filter=lfs diff=lfs merge=lfs -text
*.h5 filter=lfs diff=lfs merge=lfs -text
*.joblib filter=lfs diff=lfs merge=lfs -text
*.mlmodel filter=lfs diff=lfs merge=lfs -text
*.model filter=lfs diff=lfs merge=lfs -text
*.msgpack filter=lfs diff=lfs merge=lfs -text
*.npy filter=lfs diff=lfs merge=lfs -text
*.npz filter=lfs diff=lfs merge=lfs -text
*.onnx filter=lfs diff=lfs merge=lfs -text
*.ot filter=lfs diff=lfs merge=lfs -text
*.parquet filter=lfs diff=lfs merge=lfs -text
*.pb filter=lfs diff=lfs merge=lfs -text
*.pickle filter=lfs diff=lfs merge=lfs -text
*.pkl filter=lfs diff=lfs merge=lfs -text
*.pt filter=lfs diff=lfs merge=lfs -text
*.pth filter=lfs diff=lfs merge=lfs -text
*.rar filter=lfs diff=lfs merge=lfs -text
*.safetensors filter=lfs diff=lfs merge=lfs -text
saved_model/**/* filter=lfs diff=lfs merge=lfs -text
*.tar filter=lfs diff=lfs merge=lfs -text
*.tar.* filter=lfs diff=lfs merge=lfs -text
*.tflite filter=lfs diff=lfs merge=lfs -text
*.tgz filter=lfs diff=lfs merge=lfs -text
*.wasm filter=lfs diff=lfs merge=lfs -text
*.xz filter=lfs diff=lfs merge=lfs -text
*.zip filter=lfs diff=lfs merge=lfs -text
*.zst filter=lfs diff=lfs merge=lfs -text
*tfevents* filter=lfs diff=lfs merge=lfs -text
";

/// Whether the attributes say that a path is an LFS file: the last line that matches and speaks of it decides.
pub(super) fn is_lfs(gitattributes: &str, path: &str) -> bool {
    let mut lfs = false;
    for line in gitattributes.lines() {
        let mut words = line.split_whitespace();
        let Some(pattern) = words.next().filter(|pattern| !pattern.starts_with('#')) else { continue };
        let mut filter = words.filter_map(|word| match word {
            "filter=lfs" => Some(true),
            "-filter" | "!filter" => Some(false),
            _ if word.starts_with("filter=") => Some(false),
            _ => None,
        });
        if let Some(says) = filter.next_back()
            && matches(pattern, path)
        {
            lfs = says;
        }
    }
    lfs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_tell_lfs_files() {
        assert!(is_lfs(DEFAULT, "a/model.safetensors"));
        assert!(!is_lfs(DEFAULT, "config.json"));
        assert!(!is_lfs("*.bin filter=lfs\nsmall.bin -filter", "small.bin"));
    }
}
