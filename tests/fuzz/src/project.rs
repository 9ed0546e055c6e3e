//! What a host saved with its project, read back: whatever it holds, an instance takes it or leaves it, and what it then
//! saves it takes back unchanged.

use realchords::{audio::block::Settings, links::Health, memory::export::midi_file, params::ChordsParams};
use std::{collections::BTreeMap, sync::Arc};

/// Saved fields: a capture with two passages, and a choice of model.
pub fn seeds() -> Vec<Vec<u8>> {
    let capture = r#"{"version":1,"passages":[{"frame":0,"bar":[0,16],"melody":"60 -3 62 -3 . .3 64 -3","chords":"C -7 G7/B -3 . .3","leading":". 60 -3 62 -2 .5 64 -2","touch":"-4 96 -6 31 -4"},{"frame":400,"bar":null,"melody":"60 -","chords":"Am -"}]}"#;
    let fields = BTreeMap::from([
        ("capture".to_owned(), capture.to_owned()),
        ("model".to_owned(), r#"{"file":"/models/jazz.onnx"}"#.to_owned()),
    ]);
    vec![serde_json::to_vec(&fields).unwrap_or_default(), capture.as_bytes().to_vec()]
}

/// Reads them: as a map of fields, or else as the text of each field in turn.
pub fn state(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let maps = match serde_json::from_slice::<BTreeMap<String, String>>(bytes) {
        Ok(fields) => vec![fields],
        Err(_) => ["capture", "model", "editor"]
            .iter()
            .map(|key| BTreeMap::from([((*key).to_owned(), text.clone())]))
            .collect(),
    };
    for fields in maps {
        let instance = || ChordsParams::new(&Arc::new(Health::default()));
        let first = instance();
        first.restore(&fields);
        let saved = first.saved();
        let second = instance();
        second.restore(&saved);
        assert_eq!(second.saved(), saved, "what was saved comes back as something else");
        let capture = first.shared().capture.copy();
        assert!(capture.frames().count() == capture.num_frames());
        assert!(midi_file(&capture, None, &Settings::default()).is_ok());
    }
}
