//! MIDI to sound with a SoundFont.

use anyhow::{Context, bail};
use rustysynth::{MidiFile, MidiFileSequencer, SoundFont, Synthesizer, SynthesizerSettings};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Samples a second.
const RATE: u32 = 44_100;
/// Seconds after the last note.
const TAIL: f64 = 1.5;
/// The loudest sample after rendering.
const PEAK: f32 = 0.9;

/// Where systems keep a General MIDI SoundFont.
const PLACES: [&str; 7] = [
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/sounds/sf2/TimGM6mb.sf2",
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/soundfonts/default.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/local/share/soundfonts/default.sf2",
    "/opt/homebrew/share/soundfonts/default.sf2",
];

/// A SoundFont.
pub struct Font(Arc<SoundFont>);

impl Font {
    /// A font that the system has.
    pub fn on_system() -> Option<PathBuf> {
        PLACES.iter().map(PathBuf::from).find(|path| path.exists())
    }

    /// Reads a font.
    ///
    /// # Errors
    /// A file that is missing or no SoundFont.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let mut file = File::open(path).with_context(|| path.display().to_string())?;
        let font = SoundFont::new(&mut file)
            .map_err(|e| anyhow::anyhow!("{} is no SoundFont (.sf2): {e}", path.display()))?;
        Ok(Self(Arc::new(font)))
    }

    /// Plays a MIDI file into a WAV file of two channels and 16 bits.
    ///
    /// # Errors
    /// A broken MIDI file, silence (a font without the instruments), or what the file system says.
    pub fn render(&self, midi: &[u8], wav: &Path) -> anyhow::Result<()> {
        let midi = Arc::new(MidiFile::new(&mut &midi[..])?);
        let synthesizer = Synthesizer::new(&self.0, &SynthesizerSettings::new(RATE as i32))?;
        let mut sequencer = MidiFileSequencer::new(synthesizer);
        let num = ((midi.get_length() + TAIL) * f64::from(RATE)) as usize;
        sequencer.play(&midi, false);
        let (mut left, mut right) = (vec![0.0f32; num], vec![0.0f32; num]);
        sequencer.render(&mut left, &mut right);
        let loudest = left.iter().chain(&right).fold(0.0f32, |a, b| a.max(b.abs()));
        if loudest < 1e-4 {
            bail!("the SoundFont plays nothing: it lacks flute, piano and bass");
        }
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(wav, spec).with_context(|| wav.display().to_string())?;
        for sample in left.iter().zip(&right).flat_map(|(l, r)| [l, r]) {
            writer.write_sample((sample * PEAK / loudest * f32::from(i16::MAX)) as i16)?;
        }
        Ok(writer.finalize()?)
    }
}
