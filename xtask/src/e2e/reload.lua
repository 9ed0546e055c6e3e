-- Driven by `cargo xtask e2e`, which writes FOLDER, NAME, CLASS, LENGTH, SEEK, CHANNEL and TEMPOS before this.
-- Opens the saved session in a new process, plays the recorded melody through the restored plugin, loops, seeks, stops.

local function say(...)
  local words = {}
  for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
  io.stderr:write("e2e: " .. table.concat(words, " ") .. "\n")
end
local function wait(ms) ARDOUR.LuaAPI.usleep(ms * 1000) end

AudioEngine:set_backend("JACK", "ardour", "")
assert(AudioEngine:start(false) == 0, "the audio engine does not start")
local session = load_session(FOLDER, NAME)
assert(session, "the host does not open the session again")
wait(3000)
local melody, chords = session:route_by_name("melody"), session:route_by_name("chords"):to_track()
assert(not melody:nth_plugin(0):isnil(), "the plugin is gone from the saved session")
if not melody:output():midi(0):connected_to("ear:in") then
  say("connect", "ardour:" .. melody:output():midi(0):name() .. "\tear:in")
  for _ = 1, 100 do
    if melody:output():midi(0):connected_to("ear:in") then break end
    wait(100)
  end
end
local group = PBD.GroupControlDisposition.NoGroup
chords:rec_enable_control():set_value(1, group)

local by = ARDOUR.TransportRequestSource.TRS_UI
local function roll()
  session:request_roll(by)
  repeat wait(2) until session:transport_rolling()
end
local function stop()
  session:request_stop(false, false, by)
  repeat wait(20) until session:transport_stopped()
  wait(700)
end
session:goto_start(false)
wait(1000)
session:maybe_enable_record(true)
wait(500)
say("scene again")
roll()
while session:transport_sample() < LENGTH do wait(20) end
stop()
session:disable_record(false, true)
chords:rec_enable_control():set_value(0, group)
say("stopped")

session:goto_start(false)
wait(700)
say("scene loop")
session:request_play_loop(true, true)
local passes, last = 0, 0
for _ = 1, 3000 do
  wait(10)
  local now = session:transport_sample()
  if now < last then
    passes = passes + 1
    say("turn")
  end
  last = now
  if passes == 3 then break end
end
wait(600)
stop()
session:request_play_loop(false, false)
say("passes", passes)

wait(300)
say("scene seek")
session:goto_start(false)
wait(500)
roll()
repeat wait(5) until session:transport_sample() > SEEK
session:request_locate(0, false, ARDOUR.LocateTransportDisposition.MustRoll, by)
repeat wait(2) until session:transport_sample() < SEEK
say("turn")
repeat wait(5) until session:transport_sample() > SEEK
wait(100)
stop()
say("stopped")
session:save_state("", false, false, false, false, false)
say("done")
wait(60000)
