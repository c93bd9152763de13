#include "train/selection.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"
#include "train/position.h"
#include "train/state.h"

namespace sunder {
namespace {

SelectionScores si_snri(double score) { return {.training_loss = 0, .si_snri = score}; }

TEST(Selection, EachScoreChoosesByItsOwnRule) {
  const auto second_is_better = [](const std::string& by, const SelectionScores& first, const SelectionScores& second) {
    Selection selection(by, 0, 1e-3, {});
    EXPECT_TRUE(selection.rank(first).is_best) << "the first is the best so far";
    return selection.rank(second).is_best;
  };
  const SelectionScores low{.training_loss = 1, .si_snri = 1, .blind = 9, .loss = 1};
  const SelectionScores high{.training_loss = 2, .si_snri = 2, .blind = 8, .loss = 0.5};
  EXPECT_TRUE(second_is_better("si_snri", low, high));
  EXPECT_FALSE(second_is_better("si_snri", high, low));
  EXPECT_FALSE(second_is_better("loss", low, high));
  EXPECT_TRUE(second_is_better("loss", high, low));
  EXPECT_FALSE(second_is_better("blind", low, high));
  EXPECT_TRUE(second_is_better("valid_loss", low, high));
  EXPECT_FALSE(second_is_better("si_snri", low, low)) << "an equal score is not better";
}

TEST(Selection, UndefinedScoresAreNeverTheBest) {
  Selection selection("si_snri", 0, 1e-3, {});
  EXPECT_FALSE(selection.rank(si_snri(NAN)).is_best);
  EXPECT_FALSE(selection.rank({}).is_best);
  EXPECT_EQ(selection.best(), "none");
  EXPECT_TRUE(selection.rank(si_snri(-3)).is_best);
  EXPECT_FALSE(selection.rank(si_snri(NAN)).is_best);
  EXPECT_EQ(selection.best(), "-3.00 dB");
}

TEST(Selection, PatienceCountsValidationsWithoutABetterScore) {
  Selection selection("si_snri", 2, 1e-3, {});
  selection.rank(si_snri(1));
  selection.rank(si_snri(0));
  EXPECT_FALSE(selection.out_of_patience());
  selection.rank(si_snri(2));
  EXPECT_EQ(selection.waited(), 0);
  selection.rank(si_snri(1));
  selection.rank(si_snri(1));
  EXPECT_TRUE(selection.out_of_patience());
}

TEST(Selection, MixItsOracleResetsPatienceToo) {
  Selection selection("si_snri", 2, 1e-3, {});
  selection.rank({.si_snri = 1, .oracle = 5});
  const Selection::Verdict verdict = selection.rank({.si_snri = 0, .oracle = 6});
  EXPECT_FALSE(verdict.is_best);
  EXPECT_EQ(selection.waited(), 0);
  selection.rank({.si_snri = 0, .oracle = 6});
  EXPECT_EQ(selection.waited(), 1);
}

// torch.optim.lr_scheduler.ReduceLROnPlateau(patience=1, factor=0.5, threshold=0): the second bad one in a row lowers.
TEST(Selection, PlateausLowerTheLearningRate) {
  Selection selection("si_snri", 0, 0.8, {.plateau_patience = 1, .plateau_factor = 0.5, .min_lr = 0.2});
  std::vector<double> rates;
  std::vector<bool> lowered;
  for (const double score : {1., 0., 0., 0., 2., 0., 0.}) {
    lowered.push_back(selection.rank(si_snri(score)).lowered);
    rates.push_back(selection.learning_rate());
  }
  EXPECT_EQ(lowered, (std::vector<bool>{false, false, true, false, false, false, true}));
  EXPECT_EQ(rates, (std::vector<double>{0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.2}));
  EXPECT_TRUE(selection.rate_is_spent());
}

TEST(Selection, ACheckpointGoesOnWhereItStood) {
  const PlateauConfig plateau{.plateau_patience = 1};
  Selection whole("si_snri", 9, 1, plateau), first("si_snri", 9, 1, plateau), second("si_snri", 9, 1, plateau);
  const double scores[] = {1, 0, 0, 0};
  for (const double score : {scores[0], scores[1]}) whole.rank(si_snri(score)), first.rank(si_snri(score));
  State state;
  save_state(first.state(), state);
  load_state(second.state(), parse_state(to_json(state), "state"), "state");
  for (const double score : {scores[2], scores[3]}) {
    EXPECT_EQ(whole.rank(si_snri(score)).lowered, second.rank(si_snri(score)).lowered);
    EXPECT_EQ(whole.learning_rate(), second.learning_rate());
    EXPECT_EQ(whole.waited(), second.waited());
  }
  EXPECT_EQ(second.learning_rate(), 0.5);
}

// state.json of version 0.1.0 before the selection had fields: counters by name, zero ones left out.
TEST(Selection, ReadsOlderCheckpoints) {
  const State old{{"best_score", 4.5},
                  {"best_oracle", 0.0},
                  {"has_best", int64_t{1}},
                  {"validations_without_best", int64_t{3}},
                  {"counter.plateaus", int64_t{2}}};
  Selection selection("si_snri", 0, 1, {});
  load_state(selection.state(), old, "state");
  EXPECT_EQ(selection.best(), "4.50 dB");
  EXPECT_EQ(selection.waited(), 3);
  EXPECT_EQ(selection.learning_rate(), 0.25);
  State incomplete = old;
  incomplete.erase("has_best");
  EXPECT_THROW(load_state(selection.state(), incomplete, "state"), ModelError);
}

TEST(Position, RefusesValuesOutOfRange) {
  State good;
  Position position;
  save_state(fields(position), good);
  const auto refusal = [&](const std::string& key, const StateValue& value) {
    State state = good;
    state[key] = value;
    try {
      load_state(fields(position), state, "RUN/state.json");
    } catch (const ModelError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refusal("batches_done", int64_t{-5}),
            "RUN/state.json: batches_done: expected a whole number of at least 0, got '-5'");
  EXPECT_EQ(refusal("inside_epoch", int64_t{2}), "RUN/state.json: 'inside_epoch': expected 0 or 1, got 2");
  EXPECT_EQ(refusal("epoch", std::string("3")), "RUN/state.json: 'epoch': expected a whole number, got another type");
  for (const auto& [key, value] : std::vector<std::pair<std::string, StateValue>>{{"epoch", int64_t{-2}},
                                                                                  {"epoch", INT64_MAX},
                                                                                  {"steps", int64_t{-1}},
                                                                                  {"steps", INT64_MIN},
                                                                                  {"minutes", -1.0},
                                                                                  {"minutes", NAN},
                                                                                  {"epoch_loss", INFINITY},
                                                                                  {"epoch_inputs", int64_t{-1}}})
    EXPECT_NE(refusal(key, value).find(key), std::string::npos) << key;
  EXPECT_EQ(refusal("epoch_loss", -1e9), "");
}

TEST(Position, IsKeptWhole) {
  Position position{3, 7, true, 120, 100, 1.5, -2.25, 64};
  State state;
  save_state(fields(position), state);
  EXPECT_EQ(std::get<int64_t>(state.at("inside_epoch")), 1);
  Position again;
  load_state(fields(again), parse_state(to_json(state), "state"), "state");
  EXPECT_EQ(again.epoch, 3);
  EXPECT_EQ(again.batches_done, 7);
  EXPECT_TRUE(again.inside_epoch);
  EXPECT_EQ(again.steps, 120);
  EXPECT_EQ(again.validated_step, 100);
  EXPECT_EQ(again.minutes, 1.5);
  EXPECT_EQ(again.epoch_loss, -2.25);
  EXPECT_EQ(again.epoch_inputs, 64);
  EXPECT_EQ(again.mean_loss(), -2.25 / 64);
}

}  // namespace
}  // namespace sunder
