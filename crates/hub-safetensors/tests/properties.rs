//! No input makes the readers panic, and what is written is read back.

use std::collections::BTreeMap;

use hub_safetensors::{Dtype, HeaderBuilder, Index, ParseOptions, SafetensorsFileMetadata, parse_header};
use proptest::prelude::*;
use proptest::sample::{Index as Place, select};

/// Name, element type and shape of a few tensors. Counts are multiples of eight, so that narrow types fill
/// bytes.
fn tensors() -> impl Strategy<Value = BTreeMap<String, (Dtype, Vec<u64>)>> {
    let name = prop_oneof![any::<String>(), "[a-c]{0,2}(\\.weight)?"]
        .prop_filter("reserved", |n| n != "__metadata__");
    let shape = (prop::collection::vec(0u64..4, 0..3), Just(8)).prop_map(|(mut shape, last)| {
        shape.push(last);
        shape
    });
    prop::collection::btree_map(name, (select(Dtype::ALL), shape), 0..6)
}

prop_compose! {
    fn valid_file()(
        tensors in tensors(),
        metadata in prop::collection::btree_map(any::<String>(), any::<String>(), 0..3),
        fill in any::<u8>(),
    ) -> (Vec<u8>, BTreeMap<String, (Dtype, Vec<u64>)>, BTreeMap<String, String>) {
        let builder = tensors.iter().fold(HeaderBuilder::new(), |b, (name, (dtype, shape))| {
            b.tensor(name, *dtype, &shape[..])
        });
        let builder = metadata.iter().fold(builder, |b, (key, value)| b.metadata(key, value));
        let layout = builder.build().unwrap();
        let lens: Vec<_> = layout.header().tensors().iter().map(|t| (t.name().to_owned(), t.byte_len())).collect();
        let mut writer = layout.write_to(Vec::new()).unwrap();
        for (place, (name, len)) in lens.into_iter().enumerate() {
            writer.write_tensor(&name, &vec![fill.wrapping_add(place as u8); len as usize]).unwrap();
        }
        (writer.finish().unwrap(), tensors, metadata)
    }
}

/// A change to the bytes of a file.
#[derive(Debug, Clone)]
enum Mutation {
    Flip(Place, u8),
    Remove(Place),
    Insert(Place, &'static str),
    Copy(Place, Place, usize),
    Truncate(Place),
    HeaderLength(u64),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "0",
        "9",
        "-",
        "1e9",
        "18446744073709551615",
        "null",
        "\\u0000",
        "\\ud800",
        " ",
        "\"dtype\":\"F4\"",
        "\"shape\":[0]",
        "\"data_offsets\":[0,0]",
        "\"__metadata__\":{},",
        "\"x\":{\"y\":[{}]},",
        "\u{feff}",
    ];
    prop_oneof![
        (any::<Place>(), any::<u8>()).prop_map(|(place, bits)| Mutation::Flip(place, bits)),
        any::<Place>().prop_map(Mutation::Remove),
        (any::<Place>(), select(pieces.to_vec())).prop_map(|(place, piece)| Mutation::Insert(place, piece)),
        (any::<Place>(), any::<Place>(), 0usize..40)
            .prop_map(|(from, to, len)| Mutation::Copy(from, to, len)),
        any::<Place>().prop_map(Mutation::Truncate),
        prop_oneof![0u64..300, any::<u64>()].prop_map(Mutation::HeaderLength),
    ]
}

impl Mutation {
    fn apply(&self, file: &mut Vec<u8>) {
        if file.len() < 8 {
            return;
        }
        match self {
            Self::Flip(place, bits) => {
                let place = place.index(file.len());
                file[place] ^= bits;
            }
            Self::Remove(place) => {
                file.remove(place.index(file.len()));
            }
            Self::Insert(place, piece) => {
                let place = place.index(file.len());
                file.splice(place..place, piece.bytes());
            }
            Self::Copy(from, to, len) => {
                let from = from.index(file.len());
                let piece = file[from..file.len().min(from + len)].to_vec();
                let to = to.index(file.len());
                file.splice(to..to, piece);
            }
            Self::Truncate(place) => file.truncate(place.index(file.len())),
            Self::HeaderLength(len) => file[..8].copy_from_slice(&len.to_le_bytes()),
        }
    }
}

/// Sets the header's length so that the data is as long as it was, or the reader sees no JSON behind most
/// changes.
fn mend_length(file: &mut [u8], data_len: u64) {
    if let Some(header_len) = (file.len() as u64).checked_sub(8 + data_len) {
        file[..8].copy_from_slice(&header_len.to_le_bytes());
    }
}

/// Reads the bytes in every way there is, and checks what an accepted file promises.
fn read_in_every_way(file: &[u8]) {
    if let Ok(header) = parse_header(file) {
        let mut end = header.data_start();
        for tensor in header.tensors() {
            let range = header.file_range(tensor);
            assert_eq!(range.start, end);
            end = range.end;
            let view = header.view(file, tensor.name()).unwrap();
            assert_eq!(view.tensor, tensor);
            assert_eq!(view.bytes.len() as u64, tensor.byte_len());
            assert_eq!(tensor.parameter_count() * tensor.dtype().bits(), tensor.byte_len() * 8);
        }
        assert_eq!(end, file.len() as u64);
        let described = SafetensorsFileMetadata::parse(file, &ParseOptions::new()).unwrap();
        assert_eq!(described, SafetensorsFileMetadata::from(&header));
        assert_eq!(ParseOptions::new().parse(file).unwrap(), header);
    }
    let _ = ParseOptions::new().parse(file).map(|header| header.parameter_count());
    let _ = ParseOptions::new().parse_json(file).map(|header| header.parameter_count());
    let _ = SafetensorsFileMetadata::parse(file, &ParseOptions::new());
    let _ = SafetensorsFileMetadata::parse_json(file);
    let _ = Index::parse(file).map(|index| index.weight_map().count());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_read_back((file, tensors, metadata) in valid_file()) {
        let header = parse_header(&file).unwrap();
        prop_assert_eq!(header.metadata(), &metadata);
        prop_assert_eq!(header.tensors().len(), tensors.len());
        prop_assert_eq!(header.data_start() % 8, 0);
        for (name, (dtype, shape)) in &tensors {
            let tensor = header.tensor(name).unwrap();
            prop_assert_eq!((tensor.dtype(), tensor.shape()), (*dtype, &shape[..]));
        }
        read_in_every_way(&file);
    }

    #[test]
    fn changed_files_do_not_panic(
        (mut file, ..) in valid_file(),
        mutations in prop::collection::vec(mutation(), 1..4),
        mend in any::<bool>(),
    ) {
        let data_len = parse_header(&file).unwrap().data_len();
        for mutation in &mutations {
            mutation.apply(&mut file);
        }
        if mend && file.len() >= 8 {
            mend_length(&mut file, data_len);
        }
        read_in_every_way(&file);
    }

    #[test]
    fn random_bytes_do_not_panic(mut file in prop::collection::vec(any::<u8>(), 0..300), mend in any::<bool>()) {
        if mend && file.len() >= 8 {
            mend_length(&mut file, 0);
        }
        read_in_every_way(&file);
    }

    #[test]
    fn random_json_does_not_panic(json in "[\\[\\]{}:,\"0-9a-z_ \\\\-]{0,60}") {
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend(json.bytes());
        read_in_every_way(&file);
    }
}
