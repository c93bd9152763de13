// PESQ (ITU-T P.862, P.862.1, P.862.2) by a program that the user supplies. Nothing of PESQ itself is in here: the
// licence of the ITU's reference program does not allow adaptations.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "audio/metrics/score.h"

namespace sunder {

enum class PesqBand { narrow, wide };

class PesqProgram {
 public:
  struct Options {
    std::string command;       // a program and its own arguments, split by split_command, without a shell
    double time_limit_s = 60;  // of one call
  };

  // Relative paths in the command, also of files among the arguments, are resolved against the current folder. Throws
  // UsageError for a command that is empty or leaves a quote open and for a time limit that is not positive, InputError
  // where the program is missing or cannot be executed, or TMPDIR is not a folder.
  explicit PesqProgram(Options options);

  // The MOS-LQO of `degraded` against `reference`, both (L) at `sample_rate` Hz. Calls
  //
  //   COMMAND +8000|+16000 [+wb] FOLDER/ref.wav FOLDER/deg.wav
  //
  // as the ITU's program is called (+wb: wide-band), in a temporary folder that is removed afterwards, and understands
  //
  //   P.862 Prediction (Raw MOS, MOS-LQO):  = 2.237  1.844       narrow-band, the second number
  //   P.862.2 Prediction (MOS-LQO):  = 1.083                     wide-band
  //   Prediction : PESQ_MOS = 2.237                              raw; mapped by P.862.1, wide-band by P.862.2
  //   1.844                                                      a last line of one number is the MOS-LQO
  //
  // A signal whose samples are multiples of 1/32768 is written as it is; any other is scaled to a peak of full scale.
  // PESQ sets both levels itself (P.862, clause 10.1), and one factor for both would leave an estimate far below the
  // reference with few of its 16 bits.
  //
  // The score is missing, with the reason, for a rate that the band does not have (narrow: 8000, 16000; wide: 16000),
  // less than 1/4 s, a silent signal, or if the program found no utterances. Throws Error, in one sentence, if the
  // program cannot be run, takes too long, fails, or prints no score, one of the other band or one out of range; and
  // for signals of unequal length or with samples that are not finite. Safe to call from several threads.
  Score score(std::span<const float> reference, std::span<const float> degraded, int sample_rate, PesqBand band) const;

 private:
  Options options_;
  std::vector<std::string> words_;   // of the command, with absolute paths
  std::filesystem::path temporary_;  // folder of the temporary folders
};

}  // namespace sunder
