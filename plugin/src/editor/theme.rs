//! Colours, type and spacing. GUI thread. Every text stands on its ground with a contrast of at least 4.5 : 1, every
//! mark beside its neighbours with 3 : 1, which tests compute; and no colour says anything alone: melody, chords and bass have shapes, what may change is hatched.

use super::face::Shade;
use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow, Stroke,
    TextStyle, Visuals,
    style::{Selection, WidgetVisuals, Widgets},
    vec2,
};
use std::sync::Arc;

/// DejaVu Sans: it has ♭ ♯ Δ ø ° and the shapes.
static FONT: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSans.ttf");
const FONT_NAME: &str = "DejaVu Sans";

/// The colours of a shade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Behind everything.
    pub ground: Color32,
    /// Behind what belongs together.
    pub panel: Color32,
    /// Buttons and boxes.
    pub raised: Color32,
    /// The same under the pointer.
    pub lifted: Color32,
    /// Black keys.
    pub black_key: Color32,
    /// White keys.
    pub white_key: Color32,
    /// Lines of the grid; decoration.
    pub line: Color32,
    /// Bar lines.
    pub bar_line: Color32,
    /// Around buttons, boxes and what is ticked.
    pub edge: Color32,
    /// What is read first.
    pub text: Color32,
    /// What is read second.
    pub muted: Color32,
    /// The melody.
    pub melody: Color32,
    /// Chords.
    pub chord: Color32,
    /// On what is filled with the chords' colour.
    pub on_chord: Color32,
    /// The bass.
    pub bass: Color32,
    /// What may change.
    pub ghost: Color32,
    /// Late, broken.
    pub alarm: Color32,
    /// On what is filled with the alarm's colour.
    pub on_alarm: Color32,
    /// Take care.
    pub warn: Color32,
    /// What is on, chosen, has the focus.
    pub accent: Color32,
    /// On what is filled with the accent.
    pub on_accent: Color32,
    is_dark: bool,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const DARK: Theme = Theme {
    ground: rgb(0x0f1216),
    panel: rgb(0x171b21),
    raised: rgb(0x262c35),
    lifted: rgb(0x323a46),
    black_key: rgb(0x11151a),
    white_key: rgb(0x5d6874),
    line: rgb(0x262d36),
    bar_line: rgb(0x646f7d),
    edge: rgb(0x7d8997),
    text: rgb(0xf2f4f7),
    muted: rgb(0xa9b2bd),
    melody: rgb(0xe69f00),
    chord: rgb(0x56b4e9),
    on_chord: rgb(0x0b0e12),
    bass: rgb(0x12b886),
    ghost: rgb(0x8aa4b6),
    alarm: rgb(0xff7a33),
    on_alarm: rgb(0x14100c),
    warn: rgb(0xf0e442),
    accent: rgb(0xd990b7),
    on_accent: rgb(0x14171c),
    is_dark: true,
};

const LIGHT: Theme = Theme {
    ground: rgb(0xe9ecf0),
    panel: rgb(0xf9fafb),
    raised: rgb(0xdde2e8),
    lifted: rgb(0xcdd4dc),
    black_key: rgb(0x5d6672),
    white_key: rgb(0xffffff),
    line: rgb(0xe1e5ea),
    bar_line: rgb(0x828c98),
    edge: rgb(0x69737f),
    text: rgb(0x14171c),
    muted: rgb(0x47515d),
    melody: rgb(0x7a4c00),
    chord: rgb(0x004f86),
    on_chord: rgb(0xffffff),
    bass: rgb(0x00553d),
    ghost: rgb(0x3f5769),
    alarm: rgb(0x9c3400),
    on_alarm: rgb(0xffffff),
    warn: rgb(0x5e5200),
    accent: rgb(0x84255f),
    on_accent: rgb(0xffffff),
    is_dark: false,
};

impl Theme {
    /// The colours of a shade.
    pub const fn of(shade: Shade) -> &'static Self {
        match shade {
            Shade::Dark => &DARK,
            Shade::Light => &LIGHT,
        }
    }

    /// Every text with the ground that it is set on, with a name each.
    pub fn pairs(&self) -> Vec<(&'static str, Color32, Color32)> {
        let inks = [
            ("text", self.text),
            ("muted", self.muted),
            ("melody", self.melody),
            ("chord", self.chord),
            ("bass", self.bass),
            ("ghost", self.ghost),
            ("alarm", self.alarm),
            ("warn", self.warn),
            ("accent", self.accent),
        ];
        let on = |ground: Color32| inks.map(|(name, ink)| (name, ink, ground));
        let mut pairs: Vec<_> = [self.ground, self.panel].into_iter().flat_map(on).collect();
        for ground in [self.raised, self.lifted] {
            pairs
                .extend([("text on a button", self.text, ground), ("muted on a button", self.muted, ground)]);
        }
        pairs.extend([
            ("on chord", self.on_chord, self.chord),
            ("on alarm", self.on_alarm, self.alarm),
            ("on accent", self.on_accent, self.accent),
            ("text on a white key", self.text, self.white_key),
        ]);
        pairs
    }

    /// Every mark that has to be seen for a control or the music to be understood, with what lies beside it.
    pub fn marks(&self) -> Vec<(&'static str, Color32, Color32)> {
        let mut marks = vec![
            ("bar line", self.bar_line, self.panel),
            ("white key beside a black one", self.white_key, self.black_key),
        ];
        let visuals = self.visuals();
        let widgets = &visuals.widgets;
        let states = [&widgets.inactive, &widgets.hovered, &widgets.active, &widgets.open];
        for ground in [self.ground, self.panel] {
            marks.extend(states.map(|state| ("edge of a box", state.bg_stroke.color, ground)));
            marks.extend([
                ("rail and default of a fader", visuals.weak_text_color(), ground),
                ("filled rail, focus, what is chosen", visuals.selection.bg_fill, ground),
            ]);
        }
        for state in states {
            marks.extend([
                ("edge of a box upon the box", state.bg_stroke.color, state.bg_fill),
                ("tick, and the edge of a fader's handle", state.fg_stroke.color, state.bg_fill),
                ("edge of a fader's handle", state.fg_stroke.color, self.ground),
            ]);
        }
        marks
    }

    /// A colour laid thinly over the panel: for grounds without text.
    pub fn tint(&self, ink: Color32, share: f32) -> Color32 {
        let mix = |ground: u8, ink: u8| {
            (f32::from(ground) * (1.0 - share) + f32::from(ink) * share).round().clamp(0.0, 255.0) as u8
        };
        Color32::from_rgb(
            mix(self.panel.r(), ink.r()),
            mix(self.panel.g(), ink.g()),
            mix(self.panel.b(), ink.b()),
        )
    }

    fn visuals(&self) -> Visuals {
        let widget = |fill: Color32, edge: Stroke, ink: Color32| WidgetVisuals {
            bg_fill: fill,
            weak_bg_fill: fill,
            bg_stroke: edge,
            corner_radius: CornerRadius::same(5),
            fg_stroke: Stroke::new(1.5, ink),
            expansion: 0.0,
        };
        let base = if self.is_dark { Visuals::dark() } else { Visuals::light() };
        Visuals {
            override_text_color: None,
            weak_text_color: Some(self.muted),
            widgets: Widgets {
                noninteractive: widget(self.panel, Stroke::new(1.0, self.line), self.text),
                inactive: widget(self.raised, Stroke::new(1.0, self.edge), self.text),
                hovered: widget(self.lifted, Stroke::new(1.0, self.muted), self.text),
                active: widget(self.lifted, Stroke::new(1.0, self.accent), self.text),
                open: widget(self.lifted, Stroke::new(1.0, self.muted), self.text),
            },
            selection: Selection { bg_fill: self.accent, stroke: Stroke::new(1.5, self.on_accent) },
            hyperlink_color: self.chord,
            faint_bg_color: self.panel,
            extreme_bg_color: self.ground,
            text_edit_bg_color: Some(self.ground),
            code_bg_color: self.raised,
            warn_fg_color: self.warn,
            error_fg_color: self.alarm,
            window_fill: self.panel,
            panel_fill: self.ground,
            window_stroke: Stroke::new(1.0, self.edge),
            window_shadow: Shadow::NONE,
            popup_shadow: Shadow {
                offset: [0, 4],
                blur: 12,
                spread: 0,
                color: Color32::from_black_alpha(90),
            },
            slider_trailing_fill: true,
            ..base
        }
    }
}

/// The fonts. Once a window.
pub fn set_fonts(context: &Context) {
    let mut fonts = FontDefinitions::default();
    fonts.font_data.insert(FONT_NAME.to_owned(), Arc::new(FontData::from_static(FONT)));
    for family in [FontFamily::Proportional, FontFamily::Monospace] {
        fonts.families.entry(family).or_default().insert(0, FONT_NAME.to_owned());
    }
    context.set_fonts(fonts);
}

/// Colours, type and spacing of a shade.
pub fn dress(context: &Context, shade: Shade) {
    let theme = Theme::of(shade);
    context.all_styles_mut(|style| {
        style.visuals = theme.visuals();
        // Nothing fades: what changes is drawn once, and nothing moves for its own sake.
        style.animation_time = 0.0;
        style.interaction.tooltip_delay = 0.4;
        for (name, size) in [
            (TextStyle::Small, SMALL),
            (TextStyle::Body, BODY),
            (TextStyle::Button, BODY),
            (TextStyle::Monospace, BODY),
            (TextStyle::Heading, 18.0),
        ] {
            style.text_styles.insert(name, FontId::proportional(size));
        }
        let spacing = &mut style.spacing;
        spacing.item_spacing = vec2(6.0, 4.0);
        spacing.button_padding = vec2(8.0, 3.0);
        spacing.interact_size = vec2(30.0, 22.0);
        spacing.menu_margin = Margin::same(8);
        spacing.tooltip_width = 340.0;
        spacing.icon_width = 15.0;
        spacing.icon_width_inner = 9.0;
        spacing.scroll.floating = false;
        spacing.scroll.bar_width = 8.0;
    });
}

/// Sizes of type, in points.
pub const SMALL: f32 = 10.5;
/// The usual size.
pub const BODY: f32 = 12.5;

/// The contrast of two colours after WCAG 2, from 1 to 21.
pub fn contrast(one: Color32, other: Color32) -> f32 {
    let luminance = |colour: Color32| {
        let linear = |byte: u8| {
            let share = f32::from(byte) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_as_the_standard_says() {
        let check = |one, other, expected: f32| {
            assert!((contrast(one, other) - expected).abs() < 0.01, "{}", contrast(one, other));
        };
        check(Color32::BLACK, Color32::WHITE, 21.0);
        check(Color32::WHITE, Color32::WHITE, 1.0);
        check(rgb(0x767676), Color32::WHITE, 4.54);
    }

    /// That each ink stands out so far from its ground, in both shades; names, inks and grounds of a theme.
    fn stand_out(least: f32, pairs: fn(&Theme) -> Vec<(&'static str, Color32, Color32)>) {
        for shade in [Shade::Dark, Shade::Light] {
            for (name, ink, ground) in pairs(Theme::of(shade)) {
                let found = contrast(ink, ground);
                assert!(found >= least, "{shade:?}: {name} {ink:?} on {ground:?}: {found:.2}");
            }
        }
    }

    #[test]
    fn every_text_stands_out_from_its_ground() {
        stand_out(4.5, Theme::pairs);
    }

    #[test]
    fn every_mark_stands_out_from_what_lies_beside_it() {
        stand_out(3.0, Theme::marks);
    }

    #[test]
    fn the_font_has_every_sign_that_is_printed() {
        let context = Context::default();
        set_fonts(&context);
        dress(&context, Shade::Dark);
        let mut output = context.run_ui(egui::RawInput::default(), |ui| {
            ui.fonts_mut(|fonts| {
                let font = FontId::proportional(20.0);
                for sign in "♭♯Δø°●▲■○–…≥×·→↻%⟲".chars() {
                    assert!(fonts.has_glyph(&font, sign), "{sign}");
                }
            });
        });
        output.textures_delta.clear();
    }
}
