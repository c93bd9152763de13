"""separate.py MODEL mixture.wav: writes voice1.wav, voice2.wav, ... Mixtures are 16-bit WAV files."""
import ctypes
import sys
import wave

INT16, PLANAR, INTERLEAVED = 1, 0, 1  # sunder_format, sunder_layout


class Audio(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("samples", ctypes.c_void_p), ("frames", ctypes.c_int64),
                ("channels", ctypes.c_int), ("sample_rate", ctypes.c_int), ("format", ctypes.c_int),
                ("layout", ctypes.c_int)]


def check(status, message):
    if status != 0:
        sys.exit(message().decode())


lib = ctypes.CDLL("libsunder.so.1")
lib.sunder_last_error.restype = lib.sunder_session_error.restype = ctypes.c_char_p
model, session = ctypes.c_void_p(), ctypes.c_void_p()
check(lib.sunder_model_load(sys.argv[1].encode(), None, ctypes.byref(model)), lib.sunder_last_error)
check(lib.sunder_session_create(model, None, ctypes.byref(session)), lib.sunder_last_error)
with wave.open(sys.argv[2]) as file:
    channels, width, rate, frames = file.getparams()[:4]
    if width != 2:
        sys.exit(f"{sys.argv[2]}: expected 16-bit samples, got {8 * width}-bit ones")
    samples = ctypes.create_string_buffer(file.readframes(frames))
sources = lib.sunder_model_sources(model)
voices = ctypes.create_string_buffer(2 * frames * sources)
address = ctypes.addressof
mixture = Audio(ctypes.sizeof(Audio), address(samples), frames, channels, rate, INT16, INTERLEAVED)
estimates = Audio(ctypes.sizeof(Audio), address(voices), frames, sources, rate, INT16, PLANAR)
check(lib.sunder_separate(session, ctypes.byref(mixture), ctypes.byref(estimates)),
      lambda: lib.sunder_session_error(session))
for v in range(sources):
    with wave.open(f"voice{v + 1}.wav", "wb") as file:
        file.setparams((1, 2, rate, frames, "NONE", ""))
        file.writeframes(voices.raw[2 * frames * v:2 * frames * (v + 1)])
lib.sunder_session_free(session)
lib.sunder_model_free(model)
