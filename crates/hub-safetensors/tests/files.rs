//! Files and folders on a disk.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use hub_safetensors::{
    Dtype, Error, HeaderBuilder, SafetensorsFile, SafetensorsModel, SafetensorsRepoMetadata, Warning, check,
};
use tempfile::TempDir;

/// Writes a file of 32-bit integers, each tensor filled with its value.
fn write(path: &Path, tensors: &[(&str, &[u64], i32)]) {
    let builder =
        tensors.iter().fold(HeaderBuilder::new(), |b, (name, shape, _)| b.tensor(*name, Dtype::I32, *shape));
    let mut writer = builder.build().unwrap().write_to(File::create(path).unwrap()).unwrap();
    let values: BTreeMap<&str, i32> = tensors.iter().map(|(name, _, value)| (*name, *value)).collect();
    while let Some(due) = writer.due() {
        let (name, count) = (due.name().to_owned(), due.parameter_count() as usize);
        writer.write_tensor(&name, &values[name.as_str()].to_le_bytes().repeat(count)).unwrap();
    }
    writer.finish().unwrap();
}

/// A folder with two shards and their index.
fn sharded() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("m-1.safetensors"), &[("a", &[2], 1), ("b", &[], 2)]);
    write(&folder.path().join("m-2.safetensors"), &[("c", &[3], 3)]);
    index(&folder, 24, r#"{"a":"m-1.safetensors","b":"m-1.safetensors","c":"m-2.safetensors"}"#);
    folder
}

fn index(folder: &TempDir, total_size: u64, weight_map: &str) {
    let json = format!(r#"{{"metadata":{{"total_size":{total_size}}},"weight_map":{weight_map}}}"#);
    fs::write(folder.path().join("model.safetensors.index.json"), json).unwrap();
}

/// What `open` says, without the file.
fn fault(folder: &TempDir) -> String {
    SafetensorsModel::open(folder.path()).unwrap_err().rule().to_string()
}

#[test]
fn tensors_are_borrowed_from_the_mapped_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    write(&path, &[("a", &[2], 7), ("empty", &[0, 3], 0), ("b", &[], -1)]);
    let file = SafetensorsFile::open(&path).unwrap();
    let (a, b) = (file.tensor("a").unwrap(), file.tensor("b").unwrap());
    assert_eq!((a.bytes, b.bytes), (&[7, 0, 0, 0, 7, 0, 0, 0][..], &[255; 4][..]));
    assert_eq!(a.bytes.as_ptr_range().end, b.bytes.as_ptr());
    assert_eq!(file.tensors().map(|view| view.bytes.len()).collect::<Vec<_>>(), [8, 4, 0]);
    assert_eq!(file.parameter_count(), BTreeMap::from([(Dtype::I32, 3)]));
    assert!(matches!(file.tensor("c").unwrap_err().rule(), Error::NoSuchTensor { .. }));
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let open = || SafetensorsFile::open(&path).unwrap_err();
    assert!(matches!(open(), Error::Read { path: named, .. } if named == path));
    fs::write(&path, b"").unwrap();
    assert!(matches!(open(), Error::File { path: named, .. } if named == path));
    assert!(matches!(open().rule(), Error::TooSmall { len: 0 }));
    fs::write(&path, b"1234567").unwrap();
    assert!(matches!(open().rule(), Error::TooSmall { len: 7 }));
    fs::write(&path, b"\x02\0\0\0\0\0\0\0{}x").unwrap();
    assert!(matches!(open().rule(), Error::DataLength { expected: 0, actual: 1 }));
    let folder = SafetensorsFile::open(folder.path()).unwrap_err();
    assert!(matches!(folder.rule(), Error::NotAFile));
}

/// How many kilobytes of memory this process has held at most.
#[cfg(target_os = "linux")]
fn peak_memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn five_gibibytes_open_in_milliseconds_and_megabytes() {
    const COUNT: u64 = 5 << 28;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse.safetensors");
    let builder = HeaderBuilder::new().tensor("big", Dtype::F32, [COUNT]).tensor("last", Dtype::U16, [2]);
    let layout = builder.build().unwrap();
    let last = layout.header().file_range(layout.header().tensor("last").unwrap());
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
    file.write_all(layout.header_bytes()).unwrap();
    file.seek(SeekFrom::Start(last.start)).unwrap();
    file.write_all(&[1, 2, 3, 4]).unwrap();
    assert_eq!(file.metadata().unwrap().len(), layout.header().file_len());

    let before = peak_memory_kb();
    let started = std::time::Instant::now();
    let file = SafetensorsFile::open(&path).unwrap();
    let bytes = file.tensor("last").unwrap().bytes.to_vec();
    let elapsed = started.elapsed();
    assert_eq!(bytes, [1, 2, 3, 4]);
    assert_eq!(last.start - file.header().data_start(), COUNT * 4);
    assert_eq!(file.parameter_count()[&Dtype::F32], COUNT);
    // Reading the file would take seconds and gigabytes; the margin is for busy machines and the tests beside
    // this.
    assert!(elapsed.as_millis() < 500, "{elapsed:?}");
    let grown = peak_memory_kb() - before;
    assert!(grown < 64 << 10, "{grown} kB");
    assert!(check(&path).unwrap().is_sound());
}

#[cfg(unix)]
#[test]
fn a_fifo_is_refused_without_waiting_for_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(matches!(SafetensorsFile::open(&path).unwrap_err().rule(), Error::NotAFile));
}

#[test]
fn a_sharded_model_is_opened_as_one() {
    let folder = sharded();
    for path in [folder.path().to_owned(), folder.path().join("model.safetensors.index.json")] {
        let model = SafetensorsModel::open(path).unwrap();
        assert_eq!(model.tensor("c").unwrap().bytes, 3i32.to_le_bytes().repeat(3));
        assert_eq!(model.tensor("b").unwrap().bytes, 2i32.to_le_bytes());
        assert!(matches!(model.tensor("d"), Err(Error::NoSuchTensor { .. })));
        assert_eq!(model.parameter_count(), BTreeMap::from([(Dtype::I32, 6)]));
        let tensors: Vec<_> = model.tensors().map(|(file, view)| (file, view.tensor.name())).collect();
        assert_eq!(tensors, [("m-1.safetensors", "a"), ("m-1.safetensors", "b"), ("m-2.safetensors", "c")]);
    }
}

#[test]
fn a_single_file_goes_before_an_index() {
    let folder = sharded();
    write(&folder.path().join("model.safetensors"), &[("x", &[1], 1)]);
    let model = SafetensorsModel::open(folder.path()).unwrap();
    assert!(model.index().is_none());
    assert!(model.tensor("x").is_ok() && model.tensor("a").is_err());
    assert_eq!(model.files().keys().collect::<Vec<_>>(), ["model.safetensors"]);
}

#[test]
fn a_model_is_described_in_the_terms_of_the_hub() {
    let description = |path: &Path| SafetensorsModel::open(path).unwrap().repo_metadata().unwrap();
    let folder = sharded();
    let tensor = |shape: &[u64], begin: u64, end: u64, count: u64| {
        let data_offsets = [begin, end];
        serde_json::json!({"dtype": "I32", "shape": shape, "data_offsets": data_offsets, "parameter_count": count})
    };
    let expected = serde_json::json!({
        "metadata": {"total_size": 24},
        "sharded": true,
        "weight_map": {"a": "m-1.safetensors", "b": "m-1.safetensors", "c": "m-2.safetensors"},
        "files_metadata": {
            "m-1.safetensors": {
                "metadata": {},
                "tensors": {"a": tensor(&[2], 0, 8, 2), "b": tensor(&[], 8, 12, 1)},
                "parameter_count": {"I32": 3},
            },
            "m-2.safetensors": {
                "metadata": {}, "tensors": {"c": tensor(&[3], 0, 12, 3)}, "parameter_count": {"I32": 3},
            },
        },
        "parameter_count": {"I32": 6},
    });
    let sharded = description(folder.path());
    assert_eq!(serde_json::to_value(&sharded).unwrap(), expected);
    assert_eq!(serde_json::from_value::<SafetensorsRepoMetadata>(expected).unwrap(), sharded);

    // Whatever a single file is called here, the Hub knows it by one name.
    let single = description(&folder.path().join("m-2.safetensors"));
    let expected = serde_json::json!({"c": "model.safetensors"});
    assert_eq!(serde_json::to_value(&single.weight_map).unwrap(), expected);
    assert_eq!((single.sharded, single.metadata), (false, None));
    assert_eq!(single.files_metadata.keys().collect::<Vec<_>>(), ["model.safetensors"]);
}

#[test]
fn a_folder_without_a_model_says_so() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(SafetensorsModel::open(folder.path()).unwrap_err().rule(), Error::NoModel));
    assert!(matches!(check(folder.path()).unwrap_err().rule(), Error::NoModel));
    assert!(matches!(check(folder.path().join("x")), Err(Error::Read { .. })));
}

#[test]
fn an_index_that_is_wrong_is_refused() {
    let folder = sharded();
    index(&folder, 24, r#"{"a":"m-1.safetensors","z":"m-2.safetensors"}"#);
    assert_eq!(
        fault(&folder),
        r#"the index puts tensor "z" into shard "m-2.safetensors", which does not have it"#
    );
    index(&folder, 24, r#"{"a":"m-1.safetensors","c":"m-3.safetensors"}"#);
    assert_eq!(fault(&folder), r#"the index names the shard "m-3.safetensors", which is missing"#);
    for shard in ["../m-1.safetensors", "/m-1.safetensors", "x/../m-1.safetensors"] {
        index(&folder, 24, &format!(r#"{{"a":"{shard}"}}"#));
        assert!(fault(&folder).ends_with("which is not a plain file name"), "{}", fault(&folder));
    }
    fs::write(folder.path().join("model.safetensors.index.json"), "{").unwrap();
    assert!(fault(&folder).starts_with("the index is malformed: "), "{}", fault(&folder));
}

#[test]
fn an_index_is_measured_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::create(folder.path().join("model.safetensors.index.json")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert_eq!(fault(&folder), "the index has 1099511627776 bytes, more than the 100000000 accepted");
}

#[test]
fn a_sound_model_has_a_report_of_numbers() {
    let report = check(sharded().path()).unwrap();
    assert!(report.is_sound() && report.warnings.is_empty(), "{report:?}");
    assert_eq!((report.files, report.tensors, report.data_bytes), (2, 3, 24));
    assert_eq!(report.parameter_count, BTreeMap::from([(Dtype::I32, 6)]));
}

#[test]
fn a_report_goes_on_behind_the_first_fault() {
    let folder = sharded();
    index(
        &folder,
        24,
        r#"{"z":"m-1.safetensors","b":"m-1.safetensors","c":"m-2.safetensors","d":"m-3.safetensors"}"#,
    );
    let broken = folder.path().join("m-2.safetensors");
    OpenOptions::new().append(true).open(&broken).unwrap().write_all(b"!").unwrap();
    let report = check(folder.path()).unwrap();
    let rules: Vec<_> = report.errors.iter().map(|error| error.rule().to_string()).collect();
    assert_eq!(
        rules,
        [
            "the tensors take 12 bytes of data, but the file holds 13",
            r#"the index names the shard "m-3.safetensors", which is missing"#,
            r#"the index puts tensor "z" into shard "m-1.safetensors", which does not have it"#,
        ]
    );
    assert!(report.errors.iter().all(|error| matches!(error, Error::File { .. })));
    let unlisted = Warning::Unlisted { tensor: "a".to_owned(), shard: "m-1.safetensors".to_owned() };
    assert_eq!(report.warnings, [unlisted]);
}

#[test]
fn a_wrong_total_is_a_warning() {
    let folder = sharded();
    index(&folder, 23, r#"{"a":"m-1.safetensors","b":"m-1.safetensors","c":"m-2.safetensors"}"#);
    let report = check(folder.path()).unwrap();
    assert!(report.is_sound());
    assert_eq!(report.warnings, [Warning::TotalSize { claimed: 23, actual: 24 }]);
    assert!(SafetensorsModel::open(folder.path()).is_ok());
}

#[test]
fn odd_headers_are_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let json = br#" {"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let file = [&(json.len() as u64).to_le_bytes()[..], json, &[0; 4]].concat();
    fs::write(&path, file).unwrap();
    let report = check(&path).unwrap();
    assert!(report.is_sound());
    let file = || "x.safetensors".to_owned();
    let expected =
        [Warning::LeadingSpace { file: file() }, Warning::Unaligned { file: file(), tensor: "t".to_owned() }];
    assert_eq!(report.warnings, expected);
}

#[cfg(unix)]
#[test]
fn links_to_blobs_are_followed_and_dangling_ones_are_missing_shards() {
    let folder = sharded();
    let (shard, blob) = (folder.path().join("m-2.safetensors"), folder.path().join("blob"));
    fs::rename(&shard, &blob).unwrap();
    std::os::unix::fs::symlink("blob", &shard).unwrap();
    assert!(SafetensorsModel::open(folder.path()).unwrap().tensor("c").is_ok());
    fs::remove_file(&blob).unwrap();
    assert_eq!(fault(&folder), r#"the index names the shard "m-2.safetensors", which is missing"#);
}
