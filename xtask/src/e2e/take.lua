-- Driven by `cargo xtask e2e`, which writes FOLDER, NAME, CLASS, LENGTH, SEEK, CHANNEL and TEMPOS before this.
-- Records a melody from a JACK client through the plugin, saves, and exports the same range faster than real time.

local function say(...)
  local words = {}
  for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
  io.stderr:write("e2e: " .. table.concat(words, " ") .. "\n")
end
local function wait(ms) ARDOUR.LuaAPI.usleep(ms * 1000) end
-- The host's own thread connects what is new and counts latencies; a client of the server must not be spoken for by two of
-- its threads at once, so each step waits until that is done.
local function settle() wait(1000) end

AudioEngine:set_backend("JACK", "ardour", "")
assert(AudioEngine:start(false) == 0, "the audio engine does not start")
settle()
local session = create_session(FOLDER, NAME, 48000)
assert(session, "the host makes no session")
settle()
session:add_master_bus(ARDOUR.ChanCount(ARDOUR.DataType("audio"), 2))
settle()
for _ in ARDOUR.LuaAPI.list_plugins():iter() do end

local map = Temporal.TempoMap.fetch_writable()
for _, tempo in ipairs(TEMPOS) do
  map:set_tempo(Temporal.Tempo(tempo[2], tempo[2], 4),
    Temporal.timepos_t.from_ticks(Temporal.ticks_per_beat * tempo[1]))
end
Temporal.TempoMap.update(map)
map = nil

local function track(name)
  local one = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
  local made = session:new_midi_track(one, one, true, ARDOUR.PluginInfo(), nil, nil, 1, name,
    ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true):front()
  settle()
  return made
end
local melody, chords = track("melody"), track("chords")
local plugin = ARDOUR.LuaAPI.new_plugin(session, CLASS, ARDOUR.PluginType.VST3, "")
assert(not plugin:isnil(), "the host makes no plugin of class " .. CLASS)
assert(melody:add_processor_by_index(plugin, 0, nil, true) == 0, "the plugin does not go onto the track")
local insert = plugin:to_insert()
say("plugin", insert:plugin(0):name(), "parameters", insert:plugin(0):parameter_count())
-- A setting that is not the first one: what is saved must come back.
for idx = 0, insert:plugin(0):parameter_count() - 1 do
  if insert:plugin(0):parameter_label(idx) == "Chord channel" then
    assert(ARDOUR.LuaAPI.set_processor_param(plugin, idx, CHANNEL + 1), "the host does not set the chord channel")
    say("chord channel", idx)
  end
end

settle()
melody:input():midi(0):disconnect_all()
settle()
chords:input():midi(0):disconnect_all()
settle()
-- Another program connects: of that the host is told.
local function connect(from, to, port, other)
  say("connect", from .. "\t" .. to)
  for _ = 1, 100 do
    settle()
    if port:connected_to(other) then return end
  end
  error("no connection from " .. from .. " to " .. to)
end
local function full(port) return "ardour:" .. port:name() end
connect("player:out", full(melody:input():midi(0)), melody:input():midi(0), "player:out")
connect(full(melody:output():midi(0)), full(chords:input():midi(0)), melody:output():midi(0), chords:input():midi(0):name())
connect(full(melody:output():midi(0)), "ear:in", melody:output():midi(0), "ear:in")
-- Without a way to loudspeakers there is no latency that the host would compensate in what it records.
local bus = session:master_out()
for idx = 0, 1 do
  bus:output():audio(idx):disconnect_all()
  settle()
end
local group = PBD.GroupControlDisposition.NoGroup
for _, one in ipairs({ melody, chords }) do
  one:rec_enable_control():set_value(1, group)
  one:monitoring_control():set_value(1, group)
end
for idx = 1, 2 do
  local port = AudioEngine:get_port_by_name("Click/audio_out " .. idx)
  if port and not port:isnil() then
    port:disconnect_all()
    settle()
  end
end
settle()
say("latency", session:worst_output_latency())

local by = ARDOUR.TransportRequestSource.TRS_UI
local function stop()
  session:request_stop(false, false, by)
  for _ = 1, 100 do
    if session:transport_stopped_or_stopping() then break end
    wait(50)
  end
  wait(500)
end
session:goto_start(false)
wait(500)
session:maybe_enable_record(true)
wait(500)
say("scene take")
session:request_roll(by)
repeat wait(2) until session:transport_rolling() and session:transport_sample() > 4096
say("rolling", session:transport_sample())
while session:transport_sample() < LENGTH do wait(20) end
stop()
say("stopped", session:transport_sample())
session:disable_record(false, true)
for _, one in ipairs({ melody, chords }) do
  one:rec_enable_control():set_value(0, group)
  one:monitoring_control():set_value(2, group)
end
melody:input():midi(0):disconnect_all()
wait(1000)
for region in chords:to_track():playlist():region_list():iter() do
  say("region", region:name(), region:position():ticks(), region:length():ticks())
end
session:save_state("", false, false, false, false, false)
say("saved")

session:goto_start(false)
wait(1000)
say("scene export")
local export = session:simple_export()
export:set_folder(FOLDER .. "/export")
export:set_name("take")
export:set_range(0, LENGTH)
say("exported", export:run_export())
wait(1000)
say("xruns", session:get_xrun_count())
session:save_state("", false, false, false, false, false)
say("done")
wait(60000)
