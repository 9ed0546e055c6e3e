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
/// The loudest sample of what is written together.
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

    /// Plays a MIDI file.
    ///
    /// # Errors
    /// A broken MIDI file, or silence (a font without the instruments).
    pub fn play(&self, midi: &[u8]) -> anyhow::Result<Sound> {
        let midi = Arc::new(MidiFile::new(&mut &midi[..])?);
        let synthesizer = Synthesizer::new(&self.0, &SynthesizerSettings::new(RATE as i32))?;
        let mut sequencer = MidiFileSequencer::new(synthesizer);
        let num = ((midi.get_length() + TAIL) * f64::from(RATE)) as usize;
        sequencer.play(&midi, false);
        let (mut left, mut right) = (vec![0.0f32; num], vec![0.0f32; num]);
        sequencer.render(&mut left, &mut right);
        let sound = Sound { samples: left.into_iter().zip(right).map(|(l, r)| [l, r]).collect() };
        if sound.loudest() < 1e-4 {
            bail!("the SoundFont plays nothing: it lacks flute, piano and bass");
        }
        Ok(sound)
    }
}

/// Sound of two channels.
pub struct Sound {
    samples: Vec<[f32; 2]>,
}

impl Sound {
    fn loudest(&self) -> f32 {
        self.samples.iter().flatten().fold(0.0, |a, b| a.max(b.abs()))
    }

    /// Writes sounds that are to be compared as WAV files of two channels and 16 bits. All by the same gain, so that the
    /// tune they share is as loud in each, and none is preferred for its loudness.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_all(sounds: &[(PathBuf, Self)]) -> anyhow::Result<()> {
        let loudest = sounds.iter().map(|(_, sound)| sound.loudest()).fold(f32::MIN_POSITIVE, f32::max);
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        for (path, sound) in sounds {
            let mut writer =
                hound::WavWriter::create(path, spec).with_context(|| path.display().to_string())?;
            for sample in sound.samples.iter().flatten() {
                writer.write_sample((sample * PEAK / loudest * f32::from(i16::MAX)) as i16)?;
            }
            writer.finalize()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_is_written_by_one_gain() {
        let place = tempfile::tempdir().unwrap();
        let sounds = [("a.wav", 0.2), ("b.wav", 0.1)].map(|(name, level)| {
            (place.path().join(name), Sound { samples: vec![[level, -level], [level / 2.0, 0.0]] })
        });
        Sound::write_all(&sounds).unwrap();
        let peaks = sounds.map(|(path, _)| {
            let mut reader = hound::WavReader::open(path).unwrap();
            reader.samples::<i16>().map(|sample| sample.unwrap().unsigned_abs()).max().unwrap()
        });
        assert_eq!(peaks, [29490, 14745]);
    }
}
