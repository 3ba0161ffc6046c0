//! The rules of the format, one vector each: what is accepted and what is refused by which rule.

use std::mem::{Discriminant, discriminant};

use hub_safetensors::{Dtype, Error, ParseOptions, SafetensorsFileMetadata, parse_header};

/// A file of this header and as many zero bytes.
fn file(header: impl AsRef<[u8]>, data: usize) -> Vec<u8> {
    let header = header.as_ref();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.resize(file.len() + data, 0);
    file
}

/// A header of one tensor.
fn one(dtype: &str, shape: &str, offsets: &str) -> String {
    format!("{{{}}}", entry("t", dtype, shape, offsets))
}

fn entry(name: &str, dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
}

/// A header of several entries.
fn header(entries: &[String]) -> String {
    format!("{{{}}}", entries.join(","))
}

#[track_caller]
fn accepted(what: &str, file: &[u8]) {
    if let Err(error) = parse_header(file) {
        panic!("{what} is refused: {error}");
    }
}

/// The kinds of rules, to compare without their places.
fn kind(rule: &str) -> Discriminant<Error> {
    let text = String::new;
    let (tensor, begin, end, expected, actual, len, dtype) = (text(), 0, 0, 0, 0, 0, Dtype::U8);
    discriminant(&match rule {
        "TooSmall" => Error::TooSmall { len },
        "HeaderTooLarge" => Error::HeaderTooLarge { len, limit: 0 },
        "HeaderOutsideFile" => Error::HeaderOutsideFile { len, file_len: 0 },
        "NotUtf8" => Error::NotUtf8 { at: 0 },
        "Json" => Error::Json { reason: text() },
        "Metadata" => Error::Metadata { reason: text() },
        "Entry" => Error::Entry { tensor, reason: text() },
        "DuplicateKey" => Error::DuplicateKey { key: text(), within: text() },
        "UnknownDtype" => Error::UnknownDtype { tensor, dtype: text() },
        "OffsetsReversed" => Error::OffsetsReversed { tensor, begin, end },
        "Hole" => Error::Hole { tensor, begin, expected },
        "Overlap" => Error::Overlap { tensor, begin, expected },
        "SizeOverflow" => Error::SizeOverflow { tensor },
        "NotWholeBytes" => Error::NotWholeBytes { tensor, dtype, bits: 0 },
        "SizeMismatch" => Error::SizeMismatch { tensor, dtype, expected, actual },
        "DataLength" => Error::DataLength { expected, actual },
        other => panic!("no rule {other}"),
    })
}

#[track_caller]
fn refused(what: &str, file: &[u8], rule: &str) {
    match parse_header(file) {
        Ok(_) => panic!("{what} is accepted"),
        Err(error) => assert_eq!(discriminant(&error), kind(rule), "{what}: {error}"),
    }
}

#[test]
fn lengths() {
    let claims = |len: u64, file_len: usize| {
        let mut file = len.to_le_bytes().to_vec();
        file.resize(file_len, b' ');
        file
    };
    refused("no bytes", &[], "TooSmall");
    refused("7 bytes", &[0; 7], "TooSmall");
    refused("no header", &[0; 8], "Json");
    accepted("an empty object", &file("{}", 0));
    refused("an empty object and a byte", &file("{}", 1), "DataLength");
    refused("2^64 - 1", &claims(u64::MAX, 10), "HeaderTooLarge");
    refused("2^64 - 8", &claims(u64::MAX - 7, 10), "HeaderTooLarge");
    refused("one more than the longest", &claims(100_000_001, 10), "HeaderTooLarge");
    refused("the longest, not there", &claims(100_000_000, 10), "HeaderOutsideFile");
    refused("50 in a file of 10", &claims(50, 10), "HeaderOutsideFile");
    refused("one byte short", &claims(3, 10), "HeaderOutsideFile");
}

#[test]
fn metadata() {
    accepted("a string", &file(r#"{"__metadata__":{"a":"b"}}"#, 0));
    accepted("null", &file(r#"{"__metadata__":null}"#, 0));
    accepted("empty", &file(r#"{"__metadata__":{}}"#, 0));
    for value in ["1", "null", "true", "[]", "{}"] {
        refused(value, &file(format!(r#"{{"__metadata__":{{"a":{value}}}}}"#), 0), "Metadata");
    }
    for value in ["1", "\"a\"", "[]", "[\"a\"]"] {
        refused(value, &file(format!(r#"{{"__metadata__":{value}}}"#), 0), "Metadata");
    }
    refused("twice", &file(r#"{"__metadata__":{},"__metadata__":{}}"#, 0), "DuplicateKey");
    refused("twice null", &file(r#"{"__metadata__":null,"__metadata__":null}"#, 0), "DuplicateKey");
    refused("a key twice", &file(r#"{"__metadata__":{"a":"1","a":"1"}}"#, 0), "DuplicateKey");
}

#[test]
fn text() {
    accepted("leading space", &file(" {}", 0));
    accepted("trailing spaces", &file("{}      ", 0));
    accepted("trailing line break and tab", &file("{}\n\t", 0));
    refused("trailing NUL", &file("{}\0", 0), "Json");
    refused("byte order mark", &file("\u{feff}{}", 0), "Json");
    refused("no UTF-8", &file(b"{\"\xff\":1}", 0), "NotUtf8");
    refused("a surrogate in UTF-8", &file(b"{\"\xed\xa0\x80\":1}", 0), "NotUtf8");
    refused("a lone surrogate", &file(r#"{"\ud800":1}"#, 0), "Json");
    refused("a word", &file("hello", 0), "Json");
    refused("an array", &file("[]", 0), "Json");
    refused("two values", &file("{} x", 0), "Json");
    refused("nothing but spaces", &file("   ", 0), "Json");
    refused("not closed", &file("{", 0), "Json");
}

#[test]
fn duplicates() {
    let t = entry("t", "F32", "[2]", "[0,8]");
    refused("identical entries", &file(header(&[t.clone(), t.clone()]), 8), "DuplicateKey");
    let escaped = entry("\\u0074", "F32", "[2]", "[0,8]");
    refused("one of them escaped", &file(header(&[t.clone(), escaped]), 8), "DuplicateKey");
    let second = entry("t", "F32", "[2]", "[8,16]");
    refused("two ranges", &file(header(&[t, second]), 16), "DuplicateKey");
    for field in [r#""dtype":"U8""#, r#""shape":[]"#, r#""data_offsets":[0,1]"#] {
        let twice = format!(r#"{{"t":{{"dtype":"U8","shape":[],"data_offsets":[0,1],{field}}}}}"#);
        refused(field, &file(twice, 1), "DuplicateKey");
    }
}

#[test]
fn cover() {
    let two = |a: &str, b: &str| header(&[entry("a", "U8", "[4]", a), entry("b", "U8", "[4]", b)]);
    accepted("one behind the other", &file(two("[0,4]", "[4,8]"), 8));
    accepted("in another order in the header", &file(two("[4,8]", "[0,4]"), 8));
    refused("a hole at the start", &file(one("F32", "[2]", "[8,16]"), 16), "Hole");
    refused("a hole between", &file(two("[0,4]", "[8,12]"), 12), "Hole");
    refused("an overlap", &file(two("[0,4]", "[2,6]"), 6), "Overlap");
    let wide = header(&[entry("a", "U8", "[8]", "[0,8]"), entry("b", "U8", "[8]", "[4,12]")]);
    refused("a wide overlap", &file(wide, 12), "Overlap");
    refused("one range twice", &file(two("[0,4]", "[0,4]"), 4), "Overlap");
    refused("end before begin", &file(one("U8", "[1]", "[1,0]"), 1), "OffsetsReversed");
    refused("end before begin, behind others", &file(two("[0,4]", "[4,0]"), 4), "OffsetsReversed");
    refused("data shorter", &file(one("F32", "[2]", "[0,8]"), 7), "DataLength");
    refused("data longer", &file(one("F32", "[2]", "[0,8]"), 9), "DataLength");
    refused("no data at all", &file(one("F32", "[2]", "[0,8]"), 0), "DataLength");
    let unaligned = header(&[entry("a", "U8", "[1]", "[0,1]"), entry("b", "F32", "[1]", "[1,5]")]);
    accepted("unaligned", &file(unaligned, 5));
    let empty = header(&[entry("a", "U8", "[0]", "[0,0]"), entry("b", "F32", "[0]", "[0,0]")]);
    accepted("tensors of no bytes at one place", &file(empty, 0));
}

#[test]
fn sizes() {
    accepted("two floats", &file(one("F32", "[2]", "[0,8]"), 8));
    accepted("a scalar", &file(one("F32", "[]", "[0,4]"), 4));
    refused("three floats in 8 bytes", &file(one("F32", "[3]", "[0,8]"), 8), "SizeMismatch");
    refused("a scalar in 8 bytes", &file(one("F32", "[]", "[0,8]"), 8), "SizeMismatch");
    let cube = "[4294967296,4294967296,4294967296]";
    refused("dimensions of 2^32", &file(one("F32", cube, "[0,4]"), 4), "SizeOverflow");
    refused("2^62 floats", &file(one("F32", "[4611686018427387904]", "[0,0]"), 0), "SizeOverflow");
    accepted("a zero first", &file(one("F32", "[0,5]", "[0,0]"), 0));
    accepted("a zero before 2^63", &file(one("F32", "[0,9223372036854775808]", "[0,0]"), 0));
    let late = "[1099511627776,1099511627776,0]";
    refused("a zero behind the overflow", &file(one("F32", late, "[0,0]"), 0), "SizeOverflow");
    refused("petabytes", &file(one("U8", "[9000000000000000]", "[0,9000000000000000]"), 8), "DataLength");
    let end = u64::MAX / 8;
    refused("2^61 bytes", &file(one("U8", &format!("[{end}]"), &format!("[0,{end}]")), 8), "DataLength");
}

#[test]
fn narrow_and_packed_types() {
    refused("three of four bits", &file(one("F4", "[3]", "[0,2]"), 2), "NotWholeBytes");
    accepted("four of four bits", &file(one("F4", "[4]", "[0,2]"), 2));
    accepted("four of six bits", &file(one("F6_E2M3", "[4]", "[0,3]"), 3));
    accepted("four of six bits", &file(one("F6_E3M2", "[2,2]", "[0,3]"), 3));
    refused("one of six bits", &file(one("F6_E3M2", "[1]", "[0,1]"), 1), "NotWholeBytes");
    let packed = header(&[
        entry("a", "BOOL", "[1]", "[0,1]"),
        entry("b", "F8_E4M3", "[1]", "[1,2]"),
        entry("c", "C64", "[1]", "[2,10]"),
        entry("d", "U64", "[1]", "[10,18]"),
    ]);
    accepted("packed", &file(packed, 18));
    for dtype in Dtype::ALL {
        let bytes = dtype.bits();
        let header = one(dtype.name(), "[2,4]", &format!("[0,{bytes}]"));
        accepted(dtype.name(), &file(header, bytes as usize));
    }
}

#[test]
fn entries() {
    for dtype in ["F128", "f32", "", "F32 "] {
        refused(dtype, &file(one(dtype, "[1]", "[0,4]"), 4), "UnknownDtype");
    }
    for shape in [
        "[-1]",
        "[2.0]",
        "[1e400]",
        "[1e0]",
        "[null]",
        "[\"1\"]",
        "1",
        "null",
        "{}",
        "[18446744073709551616]",
    ] {
        refused(shape, &file(one("F32", shape, "[0,4]"), 4), "Entry");
    }
    for offsets in ["[-8,0]", "[0,4,8]", "[0]", "[]", "[0,4.0]", "null", "{\"0\":4}", "[0,-0]"] {
        refused(offsets, &file(one("F32", "[1]", offsets), 4), "Entry");
    }
    for entry in ["{}", "null", "1", "[]", r#""F32""#, r#"["F32",[1],[0,4]]"#] {
        refused(entry, &file(format!(r#"{{"t":{entry}}}"#), 4), "Entry");
    }
    for missing in [
        r#""shape":[1],"data_offsets":[0,4]"#,
        r#""dtype":"F32","data_offsets":[0,4]"#,
        r#""dtype":"F32","shape":[1]"#,
        r#""dtype":{"F32":null},"shape":[1],"data_offsets":[0,4]"#,
    ] {
        refused(missing, &file(format!(r#"{{"t":{{{missing}}}}}"#), 4), "Entry");
    }
}

#[test]
fn unknown_fields() {
    let with = |field: &str| {
        file(format!(r#"{{"t":{{"dtype":"U8",{field},"shape":[1],"data_offsets":[0,1]}}}}"#), 1)
    };
    for value in ["1", "-1", "1.5", "null", "true", "\"x\"", "[1,[2]]", r#"{"dtype":"F32"}"#] {
        accepted(value, &with(&format!(r#""x":{value}"#)));
    }
    let nested = |depth: usize| format!(r#""x":{}{}"#, "[".repeat(depth), "]".repeat(depth));
    accepted("nested 100 deep", &with(&nested(100)));
    refused("nested 200 deep", &with(&nested(200)), "Entry");
    refused("nested 100,000 deep", &with(&nested(100_000)), "Entry");
    refused("a number too large", &with(r#""x":1e400"#), "Entry");
    refused("a lone surrogate", &with(r#""x":"\ud800""#), "Entry");
}

#[test]
fn names_may_hold_anything() {
    for name in ["", "a\\u0000b\\nc", "\\u001b[31m", "__metadata", "dtype"] {
        accepted(name, &file(header(&[entry(name, "U8", "[1]", "[0,1]")]), 1));
    }
    let header = parse_header(&file(header(&[entry("a\\u0000\\n", "U8", "[1]", "[0,1]")]), 1)).unwrap();
    assert!(header.tensor("a\0\n").is_some());
}

#[test]
fn messages_say_rule_and_place() {
    let message = |file: Vec<u8>| parse_header(&file).unwrap_err().to_string();
    assert_eq!(
        message(file(one("F32", "[3]", "[0,8]"), 8)),
        r#"tensor "t" of F32 needs 12 bytes by its shape, but its offsets span 8"#
    );
    assert_eq!(
        message(file(one("F32", "[-1]", "[0,8]"), 8)),
        r#"the entry of tensor "t" is malformed: invalid value: integer `-1`, expected u64 at line 1 column 31"#
    );
    assert_eq!(
        message(file(header(&[entry("\\u001b]0;x", "U8", "[1]", "[1,2]")]), 2)),
        r#"tensor "\u{1b}]0;x" begins at byte 1 of the data, leaving a hole behind byte 0"#
    );
}

#[test]
fn tensors_are_found_by_offset_and_by_name() {
    let header = header(&[
        r#""__metadata__":{"format":"pt"}"#.to_owned(),
        entry("b", "F16", "[2,3]", "[4,16]"),
        entry("a", "F32", "[]", "[0,4]"),
    ]);
    let mut file = file(header, 0);
    let start = file.len() as u64;
    file.extend(0u8..16);
    let header = parse_header(&file).unwrap();
    assert_eq!(header.tensors().iter().map(hub_safetensors::Tensor::name).collect::<Vec<_>>(), ["a", "b"]);
    let b = header.tensor("b").unwrap();
    assert_eq!((b.dtype(), b.shape(), b.data_offsets(), b.byte_len()), (Dtype::F16, &[2, 3][..], 4..16, 12));
    assert_eq!(header.file_range(b), start + 4..start + 16);
    assert_eq!(header.view(&file, "b").unwrap().bytes, (4u8..16).collect::<Vec<_>>());
    assert!(matches!(header.view(&file, "c"), Err(Error::NoSuchTensor { .. })));
    assert!(matches!(header.view(&file[..20], "b"), Err(Error::DataLength { .. })));
    assert_eq!(header.metadata()["format"], "pt");
    assert_eq!(header.parameter_count().into_iter().collect::<Vec<_>>(), [(Dtype::F16, 6), (Dtype::F32, 1)]);
    assert_eq!((header.data_start(), header.data_len(), header.file_len()), (start, 16, start + 16));
}

#[test]
fn a_header_is_read_from_the_beginning_of_a_file() {
    let whole = file(one("U8", "[1000]", "[0,1000]"), 1000);
    let header_len = whole.len() as u64 - 1008;
    let behind_header = whole.len() - 1000;
    let unknown = ParseOptions::new();
    let known = unknown.clone().file_len(whole.len() as u64);
    for options in [&unknown, &known] {
        assert_eq!(options.header_len(&whole[..8]).unwrap(), header_len);
        assert_eq!(options.parse(&whole[..behind_header]).unwrap(), parse_header(&whole).unwrap());
        assert_eq!(options.parse_json(&whole[8..behind_header]).unwrap(), parse_header(&whole).unwrap());
        let short = options.parse(&whole[..behind_header - 1]);
        assert!(matches!(short, Err(Error::HeaderIncomplete { len, available }) if available == len - 1));
    }
    let wrong = unknown.clone().file_len(whole.len() as u64 + 1).parse(&whole[..behind_header]);
    assert!(matches!(wrong, Err(Error::DataLength { expected: 1000, actual: 1001 })));
    let at_header = unknown.clone().file_len(behind_header as u64).parse(&whole[..behind_header]);
    assert!(matches!(at_header, Err(Error::DataLength { expected: 1000, actual: 0 })));
    let inside = unknown.clone().file_len(20).parse_json(&whole[8..behind_header]);
    assert!(matches!(inside, Err(Error::HeaderOutsideFile { .. })));
}

#[test]
fn a_smaller_limit_names_both_numbers() {
    let options = ParseOptions::new().max_header_len(25_000_000);
    let error = options.header_len(&25_000_001u64.to_le_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "the header announces 25000001 bytes, more than the 25000000 accepted");
    assert_eq!(options.header_len(&25_000_000u64.to_le_bytes()).unwrap(), 25_000_000);
    let json = vec![b' '; 33];
    let error = ParseOptions::new().max_header_len(32).parse_json(&json).unwrap_err();
    assert!(matches!(error, Error::HeaderTooLarge { len: 33, limit: 32 }));
}

#[test]
fn the_length_of_a_header_is_known_before_it_is_there_in_full() {
    // A first fetch of 100,001 bytes and headers that end before, at and behind its end.
    for len in [99_992u64, 99_993, 99_994, 100_000, 100_001] {
        let mut first = len.to_le_bytes().to_vec();
        first.push(b'{');
        first.resize(100_001.min(len as usize + 7), b' ');
        if first.len() < len as usize + 8 {
            assert!(
                matches!(ParseOptions::new().parse(&first), Err(Error::HeaderIncomplete { .. })),
                "{len}"
            );
            assert_eq!(ParseOptions::new().header_len(&first).unwrap(), len);
        }
        let mut json = vec![b' '; len as usize];
        (json[0], json[1]) = (b'{', b'}');
        assert_eq!(ParseOptions::new().parse_json(&json).unwrap().header_len(), len);
    }
}

#[test]
fn no_sum_of_parameters_wraps_even_if_the_file_is_not_at_hand() {
    // 2^62 elements of four bits take 2^61 bytes; three of them would pass 2^63.
    let (count, bytes) = (1u64 << 61, 1u64 << 60);
    let tensor = |i: u64| {
        entry(&format!("t{i}"), "F4", &format!("[{count}]"), &format!("[{},{}]", i * bytes, (i + 1) * bytes))
    };
    let json = |tensors: u64| header(&(0..tensors).map(tensor).collect::<Vec<_>>());
    let seven = ParseOptions::new().parse_json(json(7).as_bytes()).unwrap();
    assert_eq!(seven.parameter_count()[&Dtype::F4], 7 * count);
    let eight = ParseOptions::new().parse_json(json(8).as_bytes());
    assert!(matches!(eight, Err(Error::SizeOverflow { .. })));
}

mod of_files_elsewhere {
    use super::*;

    fn parse(json: &str) -> Result<SafetensorsFileMetadata, Error> {
        SafetensorsFileMetadata::parse(&file(json, 0), &ParseOptions::new())
    }

    #[test]
    fn offsets_and_types_are_reported_as_they_are() {
        let json = header(&[
            r#""__metadata__":{"format":"pt","version":2}"#.to_owned(),
            entry("a", "I8", "[2,3]", "[0,24]"),
            entry("b", "F128", "[]", "[99,7]"),
            entry("c", "F64", "[2,0,3]", "[0,0]"),
        ]);
        let parsed = serde_json::to_value(parse(&json).unwrap()).unwrap();
        let expected = serde_json::json!({
            "metadata": {"format": "pt", "version": "2"},
            "tensors": {
                "a": {"dtype": "I8", "shape": [2, 3], "data_offsets": [0, 24], "parameter_count": 6},
                "b": {"dtype": "F128", "shape": [], "data_offsets": [99, 7], "parameter_count": 1},
                "c": {"dtype": "F64", "shape": [2, 0, 3], "data_offsets": [0, 0], "parameter_count": 0},
            },
            "parameter_count": {"I8": 6, "F128": 1, "F64": 0},
        });
        assert_eq!(parsed, expected);
    }

    #[test]
    fn text_is_read_strictly() {
        assert!(matches!(parse("this is not json at all, sorry"), Err(Error::Json { .. })));
        assert!(matches!(parse(r#"{"a":{"dtype":"F32","shape":[1]}}"#), Err(Error::Entry { .. })));
        let t = entry("t", "U8", "[1]", "[0,1]");
        assert!(matches!(parse(&header(&[t.clone(), t])), Err(Error::DuplicateKey { .. })));
        assert!(matches!(parse(r#"{"__metadata__":"x"}"#), Err(Error::Metadata { .. })));
    }

    #[test]
    fn counts_do_not_wrap() {
        let huge = entry("t", "U8", "[18446744073709551615]", "[0,1]");
        assert_eq!(parse(&header(std::slice::from_ref(&huge))).unwrap().parameter_count["U8"], u64::MAX);
        let more = entry("u", "U8", "[1]", "[0,1]");
        assert!(matches!(parse(&header(&[huge, more])), Err(Error::SizeOverflow { .. })));
        assert!(matches!(
            parse(&one("U8", "[4294967296,4294967296]", "[0,1]")),
            Err(Error::SizeOverflow { .. })
        ));
    }

    #[test]
    fn a_checked_header_gives_the_same_description() {
        let json = header(&[
            r#""__metadata__":{"format":"pt"}"#.to_owned(),
            entry("w", "F64", "[2,0,3]", "[0,0]"),
            entry("v", "BOOL", "[7]", "[0,7]"),
        ]);
        let header = parse_header(&file(&json, 7)).unwrap();
        assert_eq!(SafetensorsFileMetadata::from(&header), parse(&json).unwrap());
    }
}
