#include <limits>

#include "nn/precision.h"
#include "train/config.h"

namespace sunder {

namespace {

constexpr double any = std::numeric_limits<double>::infinity();
constexpr double many = 1e9;            // more than any count that makes sense, and inside an int
constexpr double largest = 0x1p53 - 1;  // of a 64-bit count: exact in a double, and TOML's integers hold it

template <class T>
ConfigField number(const char* key, T* value, double low, double high, const char* help) {
  return {key, help, value, low, high, {}, true};
}

ConfigField text(const char* key, std::string* value, std::vector<std::string> choices, const char* help) {
  return {key, help, value, 0, 0, std::move(choices), true};
}

ConfigField flag(const char* key, bool* value, const char* help) { return {key, help, value, 0, 0, {}, true}; }

// A resumed run may have another value.
ConfigField changeable(ConfigField field) {
  field.fixed = false;
  return field;
}

}  // namespace

std::vector<ConfigField> config_fields(Config& c) {
  return {
      changeable(text("data.set", &c.data.set, {}, "folder of sunder-prepare or in LibriMix's layout")),
      number("data.segment_seconds", &c.data.segment_seconds, 0, any, "length of a training segment; 0: whole items"),
      text("data.crop", &c.data.crop, {"whole-second", "any"}, "where a segment may start: whole-second or any"),
      changeable(number("data.loader_threads", &c.data.loader_threads, 1, 1024, "threads that read and mix")),
      flag("data.on_the_fly", &c.data.on_the_fly, "new rooms every epoch for the speakers of a set with sms_wsj.json"),
      changeable(text("data.path_from", &c.data.path_from, {}, "beginning of paths in sms_wsj.json to be replaced")),
      changeable(text("data.path_to", &c.data.path_to, {}, "what stands there instead")),

      text("model.architecture", &c.model.architecture, {"stft-conv-tasnet", "tf-gridnet"}, "network"),
      number("model.n_fft", &c.model.n_fft, 2, 1 << 20, "frame and FFT length in samples"),
      number("model.hop_length", &c.model.hop_length, 1, 1 << 20, "samples between frames"),
      number("model.num_feats", &c.model.num_feats, 1, 1 << 20, "channels of the bottleneck and skip paths"),
      number("model.num_hidden", &c.model.num_hidden, 1, 1 << 20, "channels inside a block"),
      number("model.kernel_size", &c.model.kernel_size, 1, 1023, "frames that a depthwise kernel spans, odd"),
      number("model.num_layers", &c.model.num_layers, 1, 30, "blocks in a stack, the dilation doubling"),
      number("model.num_stacks", &c.model.num_stacks, 1, 1000, "stacks of blocks"),
      number("model.sources", &c.model.sources, 1, 64, "sources in a mixture"),
      text("model.window", &c.model.window, {"hann", "sqrt_hann", "hamming", "rectangular"}, "window of the STFT"),
      number("model.microphones", &c.model.microphones, 1, 1024, "far-field microphones that the network hears"),
      number("model.emb_dim", &c.model.emb_dim, 1, 1 << 16, "TF-GridNet's D: channels of a time-frequency unit"),
      number("model.num_blocks", &c.model.num_blocks, 1, 100, "TF-GridNet's B: blocks"),
      number("model.emb_ks", &c.model.emb_ks, 1, 1024, "TF-GridNet's I: units that an LSTM step takes together"),
      number("model.emb_hs", &c.model.emb_hs, 1, 1024, "TF-GridNet's J: units from step to step"),
      number("model.lstm_hidden", &c.model.lstm_hidden, 1, 1 << 16, "TF-GridNet's H: LSTM units a direction"),
      number("model.heads", &c.model.heads, 1, 1024, "TF-GridNet's L: attention heads; they divide emb_dim"),
      number("model.qk_channels", &c.model.qk_channels, 1, 1 << 16,
             "TF-GridNet's E: query and key channels a unit and head"),

      number("optim.lr", &c.optim.lr, 0, 1e6, "Adam's learning rate"),
      number("optim.beta1", &c.optim.beta1, 0, 1, "Adam's decay of the mean"),
      number("optim.beta2", &c.optim.beta2, 0, 1, "Adam's decay of the square"),
      number("optim.eps", &c.optim.eps, 0, 1, "Adam's epsilon"),
      number("optim.clip", &c.optim.clip, 0, any, "largest L2 norm of all gradients; 0: no limit"),

      number("optim.plateau_patience", &c.optim.plateau_patience, 0, many,
             "validations without a better score that leave the learning rate; the next lowers it; 0: never"),
      number("optim.plateau_factor", &c.optim.plateau_factor, 0, 1, "what it is multiplied with then"),
      number("optim.min_lr", &c.optim.min_lr, 0, 1e6, "a rate that falls to it or below ends the run; 0: no limit"),

      number("train.batch", &c.train.batch, 1, many, "network inputs a step"),
      changeable(number("train.max_epochs", &c.train.max_epochs, 0, many, "epochs; 0: no limit")),
      changeable(number("train.max_minutes", &c.train.max_minutes, 0, any, "minutes of training; 0: no limit")),
      changeable(number("train.patience", &c.train.patience, 0, many,
                        "validations without a better score before the end; 0: no limit")),
      number("train.seed", &c.train.seed, 0, largest, "seed of every random number"),
      text("train.init", &c.train.init, {},
           "weights to begin with: a checkpoint, a run (its best one) or a .safetensors file; none: drawn from the seed"),
      changeable(number("train.threads", &c.train.threads, 0, 4096, "CPU threads; 0: one per core")),
      changeable(text("train.device", &c.train.device, {}, "cpu, cuda or cuda:N")),
      text("train.precision", &c.train.precision, precision_names,
           "arithmetic of the network: fp64, fp32, or on CUDA tf32 or bf16"),
      changeable(text("train.graph", &c.train.graph, {"auto", "on", "off"},
                      "on CUDA the whole step as one graph: auto (on CUDA on), on or off")),
      changeable(number("train.nonfinite_patience", &c.train.nonfinite_patience, 1, many,
                        "skipped non-finite steps in a row before the end")),
      changeable(number("train.log_seconds", &c.train.log_seconds, 0, any, "seconds between log lines")),
      changeable(number("train.checkpoint_minutes", &c.train.checkpoint_minutes, 0, any,
                        "minutes between checkpoints inside an epoch; 0: none")),
      flag("train.dynamic_mixing", &c.train.dynamic_mixing, "mix other pairs of sources every epoch (PIT)"),

      text("validation.select", &c.validation.select, {"si_snri", "blind", "loss", "valid_loss"},
           "what chooses the best checkpoint: si_snri, blind, loss (of training) or valid_loss"),
      number("validation.every_epochs", &c.validation.every_epochs, 0, many, "epochs between validations; 0: never"),
      number("validation.every_minutes", &c.validation.every_minutes, 0, any, "minutes between validations; 0: never"),
      number("validation.max_items", &c.validation.max_items, 0, many, "validation items that are read; 0: all"),

      number("mixcycle.init_epochs", &c.mixcycle.init_epochs, 0, many, "epochs of MixPIT before the switch"),
      number("mixcycle.init_fraction", &c.mixcycle.init_fraction, 0, 1,
             "share of max_minutes before the switch; above 0 it replaces init_epochs"),
      flag("mixcycle.restart_adam", &c.mixcycle.restart_adam, "start Adam from zero at the switch"),

      number("fcp.far_past", &c.fcp.far_past, 0, 127, "M: past taps of the filters to far-field microphones, frames"),
      number("fcp.far_future", &c.fcp.far_future, 0, 127, "N: their future taps"),
      number("fcp.close_past", &c.fcp.close_past, 0, 127, "I: past taps to close-talk microphones"),
      number("fcp.close_future", &c.fcp.close_future, 0, 127, "J: their future taps"),
      number("fcp.floor", &c.fcp.floor, 0, 1, "xi: share of the largest power that is added to every weight"),
      number("fcp.loading", &c.fcp.loading, 0, 1, "diagonal loading, relative to the mean of the diagonal"),
      flag("fcp.stop_gradient", &c.fcp.stop_gradient, "no gradient through the filters"),

      number("m2m.alpha", &c.m2m.alpha, 0, 1e6, "weight of the far-field microphones' terms"),
      number("m2m.gamma", &c.m2m.gamma, 0, 1e6, "weight of UNSSOR's magnitude scattering in them; the paper has 0"),

      number("unssor.gamma", &c.unssor.gamma, 0, 1e6, "weight of the magnitude scattering"),
      number("unssor.reference_weight", &c.unssor.reference_weight, 0, 1e6, "weight of the first microphone's terms"),
  };
}

}  // namespace sunder
