// PESQ (ITU-T P.862, P.862.1, P.862.2) by a program that the user supplies. Nothing of PESQ itself is in here: the
// owners of the ITU's reference program do not allow that it is adapted or translated.
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
    std::string command;       // a program and arguments of its own, parted as split_command does, without a shell
    double time_limit_s = 60;  // of one call
  };

  // Relative paths in the command count from the present folder, those of existing files among its arguments too.
  // Throws UsageError for a command that is empty or leaves a quote open and for a time limit that is not positive,
  // InputError where the program is missing or cannot be executed, or TMPDIR is no folder.
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
  // A signal whose samples are multiples of 1/32768 is written as it is; any other is scaled until its own peak is full
  // scale. PESQ sets both levels itself (P.862, clause 10.1), and a common factor would leave an estimate far below the
  // reference with few of its 16 bits.
  //
  // Missing, with the reason: a rate that the band does not have (narrow: 8000, 16000; wide: 16000), under 1/4 s, a
  // silent signal, or the program found no utterances. Throws Error, in one sentence, where the program cannot be run,
  // takes too long, ends with another exit code than 0 or by a signal, or prints no score, one of the other band or one
  // out of range; and for signals of unequal length or with samples that are not finite. Many threads may call at once.
  Score score(std::span<const float> reference, std::span<const float> degraded, int sample_rate, PesqBand band) const;

 private:
  Options options_;
  std::vector<std::string> words_;   // of the command, paths absolute
  std::filesystem::path temporary_;  // where temporary folders are made
};

}  // namespace sunder
