//! Safetensors files on the Hub: headers and single tensors of them, and no other bytes.
use crate::downloading::{Downloading, REPO, noise};
use futures_util::TryStreamExt as _;
use hub_api::{ErrorKind, HfApi};
use hub_cache::{Downloads as _, RepoCache};
use hub_local::{Fault, Method, Origin};
use hub_safetensors::{
    Dtype, HeaderBuilder, INDEX_FILE, LocalFiles, RangeOptions, RemoteModel, SINGLE_FILE, Safetensors as _,
    SafetensorsFile, SafetensorsFileMetadata, SafetensorsModel,
};
use hub_types::{CommitHash, RepoId, RepoType, Revision, SafeRelPath};
use hub_upload::Uploads as _;
use std::fs;
use std::path::PathBuf;

/// A file with byte tensors of these names and lengths, filled with noise, and metadata of `padding` bytes.
fn file(tensors: &[(&str, u64)], padding: usize) -> Vec<u8> {
    let builder = HeaderBuilder::new().metadata("format", "pt").metadata("padding", "x".repeat(padding));
    let builder =
        tensors.iter().fold(builder, |builder, (name, len)| builder.tensor(*name, Dtype::U8, [*len]));
    let layout = builder.build().unwrap();
    let due: Vec<_> = layout.header().tensors().iter().map(|t| (t.name().to_owned(), t.byte_len())).collect();
    let mut writer = layout.write_to(Vec::new()).unwrap();
    for (seed, (name, len)) in due.into_iter().enumerate() {
        writer.write_tensor(&name, &noise(len as usize, seed as u64 + len)).unwrap();
    }
    writer.finish().unwrap()
}

/// The bytes of a tensor in a file in memory.
fn bytes_of(file: &[u8], name: &str) -> Vec<u8> {
    hub_safetensors::parse_header(file).unwrap().view(file, name).unwrap().bytes.to_vec()
}

fn index(weight_map: &[(&str, &str)]) -> Vec<u8> {
    let map: serde_json::Map<_, _> =
        weight_map.iter().map(|(name, shard)| ((*name).to_owned(), (*shard).into())).collect();
    serde_json::json!({ "metadata": { "total_size": 1 }, "weight_map": map }).to_string().into_bytes()
}

/// A model in one file of 3 MB, kept in LFS.
fn single() -> Vec<u8> {
    file(&[("a", 1_000_000), ("b", 1000), ("c", 2_000_000), ("empty", 0)], 0)
}

async fn single_hub() -> Downloading {
    Downloading::of(&[(SINGLE_FILE, single())]).await
}

const SHARDS: [&str; 3] =
    ["model-1-of-3.safetensors", "model-2-of-3.safetensors", "model-3-of-3.safetensors"];

/// A model in three files: the second has a header of two requests.
fn shards() -> [Vec<u8>; 3] {
    [
        file(&[("w.0", 300_000), ("n.0", 10)], 0),
        file(&[("w.1", 300_000), ("n.1", 10)], 150_000),
        file(&[("w.2", 300_000), ("n.2", 10)], 0),
    ]
}

async fn sharded_hub() -> Downloading {
    let weights =
        [0, 1, 2].map(|shard| [(format!("w.{shard}"), SHARDS[shard]), (format!("n.{shard}"), SHARDS[shard])]);
    let map: Vec<_> = weights.iter().flatten().map(|(name, shard)| (name.as_str(), *shard)).collect();
    let [first, second, third] = shards();
    let files = [(INDEX_FILE, index(&map)), (SHARDS[0], first), (SHARDS[1], second), (SHARDS[2], third)];
    Downloading::of(&files).await
}

/// The ranges that were asked for, and how many bytes of files were sent for them.
fn transferred(hub: &Downloading) -> (Vec<String>, u64) {
    let requests = hub.content_requests();
    let ranges = requests.iter().filter_map(|request| request.range().map(str::to_owned)).collect();
    (ranges, requests.iter().map(|request| request.body_bytes_sent).sum())
}

async fn open(api: &HfApi) -> RemoteModel {
    api.open_safetensors(REPO).await.unwrap()
}

/// The cache of downloads.
struct Cache(PathBuf);

impl LocalFiles for Cache {
    fn commit_of(&self, repo_type: RepoType, repo_id: &RepoId, revision: &Revision) -> Option<CommitHash> {
        RepoCache::new(&self.0, repo_type, repo_id).commit_of(revision)
    }

    fn find(
        &self,
        repo_type: RepoType,
        repo_id: &RepoId,
        commit: &CommitHash,
        path: &SafeRelPath,
    ) -> Option<PathBuf> {
        RepoCache::new(&self.0, repo_type, repo_id).find(&commit.clone().into(), path)
    }
}

fn cache(api: &HfApi) -> Cache {
    Cache(api.config().cache_dir.clone())
}

#[tokio::test]
async fn remote_metadata_is_that_of_the_local_file() {
    let hub = single_hub().await;
    let remote = hub.api.get_safetensors_metadata(REPO).await.unwrap();
    let file = hub.api.parse_safetensors_file_metadata(REPO, SINGLE_FILE).await.unwrap();
    let path = hub.api.hf_hub_download(REPO, SINGLE_FILE).await.unwrap();
    let local = SafetensorsModel::open(&path).unwrap().repo_metadata().unwrap();
    assert_eq!(remote, local);
    assert_eq!(file, SafetensorsFileMetadata::from(SafetensorsFile::open(path).unwrap().header()));
    assert_eq!(open(&hub.api).await.metadata().await.unwrap(), local);
}

#[tokio::test]
async fn sharded_metadata_is_that_of_the_local_folder() {
    let hub = sharded_hub().await;
    let remote = hub.api.get_safetensors_metadata(REPO).await.unwrap();
    let headers: Vec<_> = hub.requests_to("/local/m/resolve/main/model-2").into_iter().collect();
    assert_eq!(headers[0].range(), Some("bytes=0-100000"));
    // The storage gives all of the long header at once; the index is there as well.
    assert_eq!(transferred(&hub).0, ["bytes=0-163839"; 3]);
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    assert_eq!(remote, SafetensorsModel::open(folder).unwrap().repo_metadata().unwrap());
    assert_eq!(open(&hub.api).await.metadata().await.unwrap(), remote);
}

#[tokio::test]
async fn a_header_that_is_longer_still_takes_a_second_range() {
    let content = file(&[("t", 10)], 300_000);
    let end = hub_safetensors::parse_header(&content).unwrap().data_start() - 1;
    let hub = Downloading::of(&[(SINGLE_FILE, content)]).await;
    let file = hub.api.parse_safetensors_file_metadata(REPO, SINGLE_FILE).await.unwrap();
    assert_eq!(file.metadata["padding"].len(), 300_000);
    assert_eq!(transferred(&hub).0, ["bytes=0-163839".to_owned(), format!("bytes=8-{end}")]);
}

#[tokio::test]
async fn a_server_that_keeps_its_files_is_asked_for_no_more_than_the_first_bytes() {
    let hub = sharded_hub().await;
    hub.fault(
        Fault::on(Method::GET, "/resolve/")
            .range("")
            .status(206)
            .body(shards()[1][..100_001].to_vec())
            .header("content-range", format!("bytes 0-100000/{}", shards()[1].len()))
            .times(1),
    );
    let file = hub.api.parse_safetensors_file_metadata(REPO, SHARDS[1]).await.unwrap();
    assert_eq!(file.metadata["padding"].len(), 150_000);
    let asked: Vec<_> = hub
        .requests_to("/local/m/resolve")
        .iter()
        .map(|request| request.range().map(str::to_owned))
        .collect();
    let end = hub_safetensors::parse_header(&shards()[1]).unwrap().data_start() - 1;
    assert_eq!(asked, [Some("bytes=0-100000".to_owned()), Some(format!("bytes=8-{end}"))]);
}

#[tokio::test]
async fn one_tensor_costs_its_bytes_and_the_header() {
    let hub = single_hub().await;
    let b = open(&hub.api).await.tensor("b").await.unwrap();
    assert_eq!((b.bytes.to_vec(), b.tensor.shape()), (bytes_of(&single(), "b"), &[1000][..]));
    let (ranges, sent) = transferred(&hub);
    let start = hub_safetensors::parse_header(&single()).unwrap().data_start() + 1_000_000;
    assert_eq!(ranges, ["bytes=0-100000".to_owned(), format!("bytes={start}-{}", start + 999)]);
    assert_eq!(sent, 100_001 + 1000);
}

#[tokio::test]
async fn tensors_come_in_the_order_they_were_asked_for() {
    let hub = single_hub().await;
    let tensors = open(&hub.api).await.tensors(["c", "empty", "a", "c"]).await.unwrap();
    let names: Vec<_> = tensors.iter().map(|fetched| fetched.tensor.name()).collect();
    assert_eq!(names, ["c", "empty", "a", "c"]);
    for fetched in &tensors {
        assert_eq!(fetched.bytes, bytes_of(&single(), fetched.tensor.name()));
    }
}

#[tokio::test]
async fn neighbours_share_a_range() {
    let hub = single_hub().await;
    let model = open(&hub.api).await;
    model.headers().await.unwrap();
    hub.clear_requests();
    model.tensors(["a", "b", "c"]).await.unwrap();
    let (ranges, sent) = transferred(&hub);
    assert_eq!((ranges.len(), sent), (1, 3_001_000));
}

#[tokio::test]
async fn a_long_tensor_is_put_together_from_its_ranges() {
    let hub = single_hub().await;
    let ranges = RangeOptions::default().max_len(100_000);
    let model = hub.api.open_safetensors(REPO).ranges(ranges).connections(3).await.unwrap();
    assert_eq!(model.tensor("c").await.unwrap().bytes, bytes_of(&single(), "c"));
    assert_eq!(transferred(&hub).0.len(), 1 + 20);
}

#[tokio::test]
async fn a_pattern_streams_tensors_of_all_shards() {
    let hub = sharded_hub().await;
    let model = open(&hub.api).await;
    let tensors: Vec<_> = model.stream_tensors(["n.*"]).try_collect().await.unwrap();
    let got: Vec<_> = tensors
        .iter()
        .map(|fetched| (fetched.tensor.name(), &*fetched.file, fetched.bytes.to_vec()))
        .collect();
    let shards = shards();
    let expected: Vec<_> = ["n.0", "n.1", "n.2"]
        .into_iter()
        .zip(SHARDS)
        .zip(&shards)
        .map(|((name, shard), file)| (name, shard, bytes_of(file, name)))
        .collect();
    assert_eq!(got, expected);
    assert_eq!(model.stream_tensors(["x*"]).try_collect::<Vec<_>>().await.unwrap(), []);
}

#[tokio::test]
async fn of_a_sharded_model_only_the_shards_with_the_tensors_are_asked() {
    let hub = sharded_hub().await;
    let tensor = open(&hub.api).await.tensor("n.2").await.unwrap();
    assert_eq!(tensor.bytes, bytes_of(&shards()[2], "n.2"));
    for shard in &SHARDS[..2] {
        assert!(hub.requests().iter().all(|request| !request.path.contains(shard)));
    }
}

#[tokio::test]
async fn a_model_stays_at_its_commit_when_the_branch_moves() {
    let hub = single_hub().await;
    let model = open(&hub.api).await;
    hub.commit(&[(SINGLE_FILE, file(&[("b", 1000)], 0))]).await;
    assert_eq!(model.tensor("b").await.unwrap().bytes, bytes_of(&single(), "b"));
    assert_ne!(open(&hub.api).await.commit(), model.commit());
}

#[tokio::test]
async fn files_in_the_cache_are_read_instead_of_fetched() {
    let hub = sharded_hub().await;
    hub.api.hf_hub_download(REPO, SHARDS[0]).await.unwrap();
    hub.clear_requests();
    let model = hub.api.open_safetensors(REPO).local_files(cache(&hub.api)).await.unwrap();
    assert_eq!(model.tensor("w.0").await.unwrap().bytes, bytes_of(&shards()[0], "w.0"));
    assert!(hub.requests().iter().all(|request| !request.path.contains(SHARDS[0])));
    assert_eq!(model.tensor("w.1").await.unwrap().bytes, bytes_of(&shards()[1], "w.1"));
}

#[tokio::test]
async fn without_the_hub_the_cache_is_enough() {
    let hub = sharded_hub().await;
    hub.api.snapshot_download(REPO).await.unwrap();
    for api in [hub.offline(), hub.unreachable()] {
        let model = api.open_safetensors(REPO).local_files(cache(&api)).await.unwrap();
        assert_eq!(model.tensor("w.2").await.unwrap().bytes, bytes_of(&shards()[2], "w.2"));
        assert!(api.open_safetensors(REPO).await.is_err());
    }
}

#[tokio::test]
async fn a_server_without_ranges_gives_headers_and_no_tensors() {
    let hub = single_hub().await;
    let expected = hub.api.get_safetensors_metadata(REPO).await.unwrap();
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).ignore_range());
    assert_eq!(hub.api.get_safetensors_metadata(REPO).await.unwrap(), expected);
    let error = open(&hub.api).await.tensor("b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RangeIgnored);
}

#[tokio::test]
async fn a_long_header_is_read_from_a_server_without_ranges() {
    let hub = sharded_hub().await;
    let expected = hub.api.parse_safetensors_file_metadata(REPO, SHARDS[1]).await.unwrap();
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).ignore_range());
    assert_eq!(hub.api.parse_safetensors_file_metadata(REPO, SHARDS[1]).await.unwrap(), expected);
}

#[tokio::test]
async fn fewer_header_bytes_than_asked_for_are_completed() {
    let hub = single_hub().await;
    let size = single().len();
    let short = Fault::on(Method::GET, "").at(Origin::Storage).times(1).truncate_after(20);
    hub.fault(
        short.drop_header("content-length").replace_header("content-range", format!("bytes 0-19/{size}")),
    );
    let file = hub.api.parse_safetensors_file_metadata(REPO, SINGLE_FILE).await.unwrap();
    assert_eq!(file.tensors.len(), 4);
}

#[tokio::test]
async fn headers_around_the_end_of_the_first_range_are_whole() {
    let plain = file(&[("t", 0)], 0).len();
    // The header ends at the last byte of the first range, one and eight bytes behind it, and far behind it; the same
    // for the range that the storage is asked for.
    for len in [99_984, 99_992, 100_000, 100_008, 130_000, 163_824, 163_832, 163_840, 163_848] {
        let content = file(&[("t", 0)], len + 8 - plain);
        assert!(content.len().abs_diff(len + 8) <= 8, "{} for {len}", content.len());
        let hub = Downloading::of(&[(SINGLE_FILE, content)]).await;
        let file = hub.api.parse_safetensors_file_metadata(REPO, SINGLE_FILE).await.unwrap();
        assert_eq!(file.tensors.keys().collect::<Vec<_>>(), ["t"], "{len}");
    }
}

#[tokio::test]
async fn a_header_above_the_limit_is_refused_with_the_numbers() {
    let mut content = 30_000_000u64.to_le_bytes().to_vec();
    content.resize(200_000, b' ');
    let hub = Downloading::of(&[(SINGLE_FILE, content)]).await;
    let error = hub.api.parse_safetensors_file_metadata(REPO, SINGLE_FILE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SafetensorsParsing);
    let message = error.full_message();
    assert!(message.contains("30000000") && message.contains("25000000"), "{message}");
}

#[tokio::test]
async fn a_file_that_breaks_a_rule_gives_no_tensor() {
    let mut content = single();
    content.push(0);
    let hub = Downloading::of(&[(SINGLE_FILE, content)]).await;
    let error = open(&hub.api).await.tensor("b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SafetensorsParsing, "{error}");
    assert!(error.to_string().contains(SINGLE_FILE), "{error}");
}

#[tokio::test]
async fn a_hostile_index_is_refused() {
    for shard in ["../x", "/etc/passwd", "a/b.safetensors", "..\\x", ""] {
        let files = index(&[("a", "here.safetensors"), ("t", shard)]);
        let hub = Downloading::of(&[(INDEX_FILE, files), ("here.safetensors", file(&[("a", 3)], 0))]).await;
        let error = hub.api.get_safetensors_metadata(REPO).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SafetensorsParsing, "{shard}: {error}");
        let error = hub.api.open_safetensors(REPO).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SafetensorsParsing, "{shard}: {error}");
    }
}

#[tokio::test]
async fn an_index_that_is_wrong_about_its_shards_is_told_so() {
    let hub = Downloading::of(&[
        (INDEX_FILE, index(&[("t", "gone.safetensors"), ("u", "here.safetensors")])),
        ("here.safetensors", file(&[("v", 3)], 0)),
    ])
    .await;
    let model = open(&hub.api).await;
    assert_eq!(model.tensor("t").await.unwrap_err().kind(), ErrorKind::EntryNotFound);
    let error = model.tensor("u").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SafetensorsParsing, "{error}");
    let error = hub.api.get_safetensors_metadata(REPO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EntryNotFound);
}

#[tokio::test]
async fn what_only_looks_like_a_shard_is_no_shard() {
    let index = r#"{"metadata": {"from": "broken.safetensors", "else": "gone.safetensors"},
        "weight_map": {"none.safetensors": "here.safetensors", "u": "th\u0065re.safetensors"}}"#;
    let hub = Downloading::of(&[
        (INDEX_FILE, index.as_bytes().to_vec()),
        ("here.safetensors", file(&[("none.safetensors", 3)], 0)),
        ("there.safetensors", file(&[("u", 3)], 0)),
        ("broken.safetensors", b"no header".to_vec()),
    ])
    .await;
    let model = hub.api.get_safetensors_metadata(REPO).await.unwrap();
    let files: Vec<_> = model.files_metadata.keys().collect();
    assert_eq!(files, ["here.safetensors", "there.safetensors"]);
    assert_eq!(model.parameter_count["U8"], 6);
}

#[tokio::test]
async fn of_many_shards_each_is_asked_for_once() {
    let names: Vec<_> = (0..80).map(|shard| format!("m-{shard}.safetensors")).collect();
    let tensors: Vec<_> = (0..80).map(|shard| format!("t.{shard}")).collect();
    let map: Vec<_> =
        tensors.iter().zip(&names).map(|(tensor, name)| (tensor.as_str(), name.as_str())).collect();
    let mut files = vec![(INDEX_FILE, index(&map))];
    files.extend(map.iter().map(|&(tensor, name)| (name, file(&[(tensor, 2)], 0))));
    let hub = Downloading::of(&files).await;
    let model = hub.api.get_safetensors_metadata(REPO).await.unwrap();
    for (tensor, name) in map {
        assert_eq!(model.weight_map.get(tensor), Some(name));
        assert_eq!(model.files_metadata[name].tensors[tensor].shape, [2]);
        let asked =
            hub.requests().iter().filter(|request| request.path.ends_with(&format!("/{name}"))).count();
        assert_eq!(asked, 1, "{name}");
    }
}

#[tokio::test]
async fn an_index_of_more_than_twenty_megabytes_is_read() {
    let mut json = index(&[("t", "here.safetensors")]);
    json.resize(21 << 20, b' ');
    let hub = Downloading::of(&[(INDEX_FILE, json), ("here.safetensors", file(&[("t", 3)], 0))]).await;
    assert_eq!(hub.api.get_safetensors_metadata(REPO).await.unwrap().weight_map.len(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let hub = Downloading::of(&[("unet/model.safetensors", file(&[("t", 3)], 0))]).await;
    let error = hub.api.get_safetensors_metadata(REPO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotASafetensorsRepo);
    let error = hub.api.open_safetensors(REPO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotASafetensorsRepo);
    let error = hub.api.open_safetensors(REPO).filename("x.safetensors").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EntryNotFound);
    let model = hub.api.open_safetensors(REPO).filename("unet/model.safetensors").await.unwrap();
    assert_eq!(model.tensor("t").await.unwrap().bytes.len(), 3);
    let error = model.tensor("u").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EntryNotFound);
    assert!(error.to_string().contains("\"u\"") && error.to_string().contains(REPO), "{error}");
}

#[tokio::test]
async fn a_broken_connection_in_a_tensor_goes_on() {
    let hub = single_hub().await;
    let model = open(&hub.api).await;
    model.headers().await.unwrap();
    let cut = Fault::on(Method::GET, "").at(Origin::Storage).times(1);
    let fault = hub.fault(cut.cut_after(700_000, hub_local::Cut::Reset));
    assert_eq!(model.tensor("c").await.unwrap().bytes, bytes_of(&single(), "c"));
    assert_eq!(fault.hits(), 1);
}

#[tokio::test]
async fn a_file_that_changes_is_noticed() {
    let hub = single_hub().await;
    let model = open(&hub.api).await;
    model.headers().await.unwrap();
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).replace_header("etag", "\"other\""));
    let error = model.tensor("b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContentChanged, "{error}");
}

#[tokio::test]
async fn the_file_of_a_cached_model_stays_as_it_is() {
    let hub = single_hub().await;
    let path = hub.api.hf_hub_download(REPO, SINGLE_FILE).await.unwrap();
    let model = hub.api.open_safetensors(REPO).local_files(cache(&hub.api)).await.unwrap();
    let parts: Vec<_> = model.stream_parts(["c", "a"]).try_collect().await.unwrap();
    assert_eq!(parts.iter().map(|part| part.bytes.len()).sum::<usize>(), 3_000_000);
    assert_eq!(fs::read(path).unwrap(), single());
}

#[tokio::test]
async fn metadata_is_that_of_the_revision_and_the_kind_of_repository() {
    let hub = Downloading::of(&[(SINGLE_FILE, file(&[("main", 1)], 0))]).await;
    hub.api.create_branch(REPO, "dev").await.unwrap();
    let upload = |name: &str| hub.api.upload_file(file(&[(name, 1)], 0), SINGLE_FILE, REPO);
    upload("dev").revision("dev").await.unwrap();
    hub.api.create_repo(REPO).repo_type(RepoType::Dataset).await.unwrap();
    upload("dataset").repo_type(RepoType::Dataset).await.unwrap();
    for (kind, revision, name) in [
        (RepoType::Model, "main", "main"),
        (RepoType::Model, "dev", "dev"),
        (RepoType::Dataset, "main", "dataset"),
    ] {
        let repo = hub.api.get_safetensors_metadata(REPO).repo_type(kind).revision(revision).await.unwrap();
        assert_eq!(repo.weight_map.iter().collect::<Vec<_>>(), [(name, SINGLE_FILE)]);
        let file =
            hub.api.parse_safetensors_file_metadata(REPO, SINGLE_FILE).repo_type(kind).revision(revision);
        assert_eq!(file.await.unwrap().tensors.keys().collect::<Vec<_>>(), [name]);
    }
}
