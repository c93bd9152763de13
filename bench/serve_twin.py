#!/usr/bin/env python3
"""sunder-serve's twin for bench/serve.sh: the same STFT Conv-TasNet in PyTorch behind FastAPI, as a careful user writes it.

    python3 -m venv VENV
    VENV/bin/pip install torch fastapi uvicorn safetensors soundfile numpy
    VENV/bin/python bench/serve_twin.py --model MODEL.safetensors --port 8081 [--workers N] [--threads N]

POST /v1/separate takes an audio file and answers with a zip archive of one WAV file per voice (float32), like
sunder-serve. A worker is a process with a copy of the network; requests are separated in a pool of threads, so that the
server goes on accepting.
"""
import argparse
import io
import os
import zipfile

import soundfile
import torch
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from safetensors import safe_open
from torch import nn

EPS = 1e-8


class ConvBlock(nn.Module):
    def __init__(self, feats, hidden, kernel, dilation, residual):
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv1d(feats, hidden, 1), nn.PReLU(), nn.GroupNorm(1, hidden, eps=EPS),
            nn.Conv1d(hidden, hidden, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation, groups=hidden),
            nn.PReLU(), nn.GroupNorm(1, hidden, eps=EPS))
        self.res_out = nn.Conv1d(hidden, feats, 1) if residual else None
        self.skip_out = nn.Conv1d(hidden, feats, 1)

    def forward(self, x):
        h = self.conv_layers(x)
        return x if self.res_out is None else x + self.res_out(h), self.skip_out(h)


class MaskGenerator(nn.Module):
    def __init__(self, bins, sources, feats, hidden, kernel, layers, stacks):
        super().__init__()
        self.sources, self.bins = sources, bins
        self.input_norm = nn.GroupNorm(1, bins, eps=EPS)
        self.input_conv = nn.Conv1d(bins, feats, 1)
        blocks = layers * stacks
        self.conv_layers = nn.ModuleList(
            ConvBlock(feats, hidden, kernel, 2**(i % layers), i + 1 < blocks) for i in range(blocks))
        self.output_prelu = nn.PReLU()
        self.output_conv = nn.Conv1d(feats, bins * sources, 1)

    def forward(self, magnitudes):
        x = self.input_conv(self.input_norm(magnitudes))
        skips = 0.0
        for block in self.conv_layers:
            x, skip = block(x)
            skips = skips + skip
        masks = torch.sigmoid(self.output_conv(self.output_prelu(skips)))
        return masks.view(-1, self.sources, self.bins, magnitudes.shape[-1])


class Separator(nn.Module):
    def __init__(self, path):
        super().__init__()
        with safe_open(path, "pt") as file:
            metadata, tensors = file.metadata(), {name: file.get_tensor(name).float() for name in file.keys()}
        size = lambda key: int(metadata[key])
        self.rate, self.n_fft, self.hop = size("sample_rate"), size("n_fft"), size("hop_length")
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)
        self.mask_generator = MaskGenerator(self.n_fft // 2 + 1, size("sources"), size("num_feats"), size("num_hidden"),
                                            size("kernel_size"), size("num_layers"), size("num_stacks"))
        self.load_state_dict(tensors)

    def forward(self, x):  # (B, L) -> (B, S, L)
        spectra = torch.stft(x, self.n_fft, self.hop, window=self.window, return_complex=True)
        masks = self.mask_generator(spectra.abs())
        masks = masks / (masks.sum(1, keepdim=True) + EPS)
        estimates = (masks * spectra.unsqueeze(1)).flatten(0, 1)
        signals = torch.istft(estimates, self.n_fft, self.hop, window=self.window, length=x.shape[-1])
        return signals.view(x.shape[0], -1, x.shape[-1])


def make_app():
    torch.set_num_threads(int(os.environ["TWIN_THREADS"]))
    separator = Separator(os.environ["TWIN_MODEL"]).eval()
    app = FastAPI()

    def separate(body):
        try:
            mixture, rate = soundfile.read(io.BytesIO(body), dtype="float32")
        except soundfile.LibsndfileError as error:
            raise HTTPException(415, f"not an audio file: {error}")
        if rate != separator.rate or mixture.ndim != 1:
            raise HTTPException(400, f"expected one channel at {separator.rate} Hz")
        with torch.inference_mode():
            voices = separator(torch.from_numpy(mixture)[None])[0].numpy()
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
            for k, voice in enumerate(voices):
                wav = io.BytesIO()
                soundfile.write(wav, voice, rate, format="WAV", subtype="FLOAT")
                file.writestr(f"voice{k + 1}.wav", wav.getvalue())
        return archive.getvalue()

    @app.post("/v1/separate")
    async def endpoint(request: Request):
        body = await request.body()
        return Response(await run_in_threadpool(separate, body), media_type="application/zip")

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    return app


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch in each")
    options = parser.parse_args()
    os.environ["TWIN_MODEL"], os.environ["TWIN_THREADS"] = options.model, str(options.threads)
    uvicorn.run("serve_twin:make_app", factory=True, app_dir=os.path.dirname(os.path.abspath(__file__)),
                host="127.0.0.1", port=options.port, workers=options.workers, log_level="warning")


if __name__ == "__main__":
    main()
