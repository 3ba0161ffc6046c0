//! Bytes taken as a file: no panic, and what is accepted is covered by its tensors.

#![no_main]

use hub_safetensors::{ParseOptions, RangeOptions, SafetensorsFileMetadata, parse_header, plan_ranges};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    read(file);
    // Taken as JSON too: few inputs begin with the length of what follows.
    let mut whole = (file.len() as u64).to_le_bytes().to_vec();
    whole.extend(file);
    read(&whole);
});

fn read(file: &[u8]) {
    let unknown = ParseOptions::new().parse(file);
    let described = SafetensorsFileMetadata::parse(file, &ParseOptions::new());
    let Ok(header) = parse_header(file) else {
        if let Ok(header) = unknown {
            assert_ne!(header.file_len(), file.len() as u64);
            header.parameter_count();
        }
        return;
    };
    assert_eq!(unknown.unwrap(), header);
    assert_eq!(described.unwrap(), SafetensorsFileMetadata::from(&header));
    let lens =
        header.tensors().iter().map(|tensor| header.view(file, tensor.name()).unwrap().bytes.len() as u64);
    assert_eq!(header.data_start() + lens.sum::<u64>(), file.len() as u64);
    let names = header.tensors().iter().map(hub_safetensors::Tensor::name);
    let ranges = plan_ranges(&header, names, &RangeOptions::default()).unwrap();
    assert_eq!(
        ranges.iter().map(|range| range.bytes.end - range.bytes.start).sum::<u64>(),
        header.data_len()
    );
}
