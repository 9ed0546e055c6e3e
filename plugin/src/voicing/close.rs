//! The close style: every chord tone once within about an octave, in the inversion nearest to where the hands are.
//! Pure, allocation-free. A chord of six tones leaves out its fifth; a chord of two doubles its root.

use super::{MAX_VOICES, Voicing, leading::motion};
use music::{
    chord::Chord,
    pitch::{OCTAVE, Pitch, PitchClassSet},
};

/// How far the middle of a voicing may lie from the register's centre, in semitones.
const REACH: i32 = 9;
/// The lowest key of the hands, E2: an octave above the lowest bass note, so that every bass finds its place below.
const LOWEST: i32 = 40;
/// What a semitone away from the centre costs, against one of motion.
const CENTRE_WEIGHT: i32 = 1;
/// What a step of two semitones or less between the lowest two voices costs: low clusters are mud.
const MUD: i32 = 8;

/// Voices a chord around `centre`, near to `hands` if they were anywhere.
pub fn close(chord: Chord, centre: Pitch, hands: Option<&Voicing>) -> Voicing {
    let centre = i32::from(centre.midi());
    let tones = tones(chord);
    let mut best: Option<(i32, Voicing)> = None;
    for lowest in LOWEST.max(centre - i32::from(OCTAVE) - REACH)..=centre + REACH {
        let Some(voicing) = stack(tones, chord, lowest) else { continue };
        let sum: i32 = voicing.keys().iter().map(|key| i32::from(key.midi())).sum();
        let off = (sum - centre * voicing.num as i32).abs() / voicing.num.max(1) as i32;
        if off > REACH {
            continue;
        }
        let muddy = voicing.num > 1 && voicing.keys[1].midi() - voicing.keys[0].midi() <= 2;
        let moved = hands.map_or(off, |hands| motion(hands, &voicing));
        let cost = 2 * moved + CENTRE_WEIGHT * off + if muddy { MUD } else { 0 };
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, voicing));
        }
    }
    // Every octave holds a chord tone to stand on, and some close position of it is centred within the reach; the
    // fallback is for registers at the very ends of the keyboard.
    best.map_or_else(|| stack(tones, chord, 60).unwrap_or(Voicing::EMPTY), |(_, voicing)| voicing)
}

/// The tones to voice.
fn tones(chord: Chord) -> PitchClassSet {
    let tones = chord.pitch_classes();
    if tones.len() as usize > MAX_VOICES {
        tones.minus(PitchClassSet::EMPTY.with(chord.root.transposed(7)))
    } else {
        tones
    }
}

/// The tones upwards from `lowest`, which must be one of them; a chord of two tones gets its root again on top.
fn stack(tones: PitchClassSet, chord: Chord, lowest: i32) -> Option<Voicing> {
    let mut voicing = Voicing::EMPTY;
    for above in 0..i32::from(OCTAVE) {
        let key = Pitch::new(u8::try_from(lowest + above).ok()?);
        match key.filter(|key| tones.contains(key.class())) {
            Some(key) => voicing.push(key),
            None if above == 0 => return None,
            None => {}
        }
    }
    if voicing.num as u32 != tones.len() {
        return None;
    }
    if voicing.num == 2 {
        let root = voicing.keys().iter().find(|key| key.class() == chord.root)?;
        voicing.push(Pitch::new(root.midi() + OCTAVE)?);
    }
    Some(voicing)
}
