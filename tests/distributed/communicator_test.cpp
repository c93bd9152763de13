// Ranks as threads of one process, over real sockets.
#include "distributed/communicator.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <thread>

#include "distributed/connection.h"
#include "tensor/random.h"

namespace sunder {
namespace {

using Clock = std::chrono::steady_clock;
using Work = std::function<void(Communicator&)>;

int free_port() { return Listener("localhost", 0).port(); }

Launch launch_of(int rank, int size, int port) { return {"torchrun", rank, size, rank, "localhost", port}; }

// What each rank's work threw, "" for nothing. A rank leaves (its sockets close) when its work ends.
std::vector<std::string> run_ranks(int size, const Work& work, double timeout = 20) {
  const int port = free_port();
  std::vector<std::string> errors(static_cast<size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      try {
        Communicator ranks(launch_of(rank, size, port), timeout);
        work(ranks);
      } catch (const Error& error) {
        errors[static_cast<size_t>(rank)] = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  return errors;
}

void expect_no_errors(const std::vector<std::string>& errors) {
  for (size_t rank = 0; rank < errors.size(); ++rank) EXPECT_EQ(errors[rank], "") << "rank " << rank;
}

template <class T>
std::vector<T> values_of(int rank, int64_t count) {
  Random random(7, RandomUse::test, 0, static_cast<uint64_t>(rank));
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) value = static_cast<T>(random.normal());
  return values;
}

template <class T>
void expect_sums(int size, int64_t count) {
  std::vector<T> expected = values_of<T>(0, count);
  for (int rank = 1; rank < size; ++rank) {
    const std::vector<T> more = values_of<T>(rank, count);
    for (size_t i = 0; i < expected.size(); ++i) expected[i] += more[i];
  }
  std::vector<std::vector<T>> sums(static_cast<size_t>(size));
  expect_no_errors(run_ranks(size, [&](Communicator& ranks) {
    const Tensor tensor = Tensor::from(values_of<T>(ranks.rank(), count), {count});
    ranks.all_reduce_sum(tensor);
    sums[static_cast<size_t>(ranks.rank())] = tensor.to_vector<T>();
    ranks.finish();
  }));
  for (const auto& sum : sums) EXPECT_EQ(sum == expected, true) << "not the sum in the order of the ranks, to the bit";
}

TEST(CommunicatorTest, SumsAreInTheOrderOfTheRanksAndTheSameOnAll) {
  for (const int size : {2, 3, 5}) {
    expect_sums<float>(size, 1001);
    expect_sums<double>(size, 1001);
  }
  expect_sums<float>(2, 1);
  expect_sums<float>(3, 1'000'000);  // more than sockets hold
}

TEST(CommunicatorTest, AValueThatIsNotFiniteReachesAll) {
  expect_no_errors(run_ranks(3, [](Communicator& ranks) {
    const Tensor tensor = Tensor::from(std::vector<float>{1, ranks.rank() == 1 ? NAN : 1}, {2});
    ranks.all_reduce_sum(tensor);
    EXPECT_EQ(tensor.data<float>()[0], 3);
    EXPECT_TRUE(std::isnan(tensor.data<float>()[1]));
    ranks.finish();
  }));
}

TEST(CommunicatorTest, OtherTensorsAreRefused) {
  const auto errors = run_ranks(2, [](Communicator& ranks) { ranks.all_reduce_sum(Tensor::zeros({2}, DType::int64)); });
  EXPECT_NE(errors[0].find("expected float32 or float64, got int64 (2) on cpu"), std::string::npos) << errors[0];
}

TEST(CommunicatorTest, TextsAreGatheredAndBroadcast) {
  expect_no_errors(run_ranks(4, [](Communicator& ranks) {
    for (int round = 0; round < 50; ++round) {
      const auto all = ranks.all_gather(std::string(static_cast<size_t>(1000 * ranks.rank() * (round % 2)), 'x'));
      ASSERT_EQ(all.size(), 4u);
      for (size_t rank = 0; rank < 4; ++rank) EXPECT_EQ(all[rank].size(), 1000 * rank * (round % 2));
      EXPECT_EQ(ranks.broadcast(ranks.is_root() ? "from rank 0" : "from another"), "from rank 0");
      ranks.barrier();
    }
    ranks.finish();
  }));
}

TEST(CommunicatorTest, AProcessAloneNeedsNobody) {
  Communicator alone;
  const Tensor tensor = Tensor::from(std::vector<float>{1, 2}, {2});
  alone.all_reduce_sum(tensor);
  EXPECT_EQ(tensor.to_vector<float>(), (std::vector<float>{1, 2}));
  EXPECT_EQ(alone.all_gather("mine"), std::vector<std::string>{"mine"});
  EXPECT_EQ(alone.broadcast("mine"), "mine");
  EXPECT_TRUE(alone.is_root());
  alone.end("why");
  alone.finish();
}

// Whoever is gone, all others learn it at once, whatever they wait for.
TEST(CommunicatorTest, ARankThatIsGoneIsNamedOnAllOthers) {
  for (const int gone : {0, 1, 2}) {
    const auto begin = Clock::now();
    const auto errors = run_ranks(3, [&](Communicator& ranks) {
      ranks.barrier();
      if (ranks.rank() == gone) return;
      const Tensor tensor = Tensor::zeros({1000}, DType::float32);
      ranks.all_reduce_sum(tensor);
    });
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5));
    for (int rank = 0; rank < 3; ++rank)
      if (rank != gone) {
        EXPECT_EQ(errors[static_cast<size_t>(rank)], fmt::format("rank {} of 3 is gone", gone)) << rank;
      }
  }
}

// Rank 0 waits for rank 1, which takes its time, while rank 2 is gone.
TEST(CommunicatorTest, ARankThatIsGoneIsNoticedWhileAnotherIsWaitedFor) {
  const auto begin = Clock::now();
  const auto errors = run_ranks(3, [&](Communicator& ranks) {
    ranks.barrier();
    if (ranks.rank() == 2) return;
    if (ranks.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(700));
    const auto until_known = Clock::now() - begin;
    try {
      ranks.barrier();
    } catch (const RankLost&) {
      if (ranks.is_root()) {
        EXPECT_LT(Clock::now() - begin - until_known, std::chrono::milliseconds(500));
      }
      throw;
    }
  });
  EXPECT_EQ(errors[0], "rank 2 of 3 is gone");
  EXPECT_EQ(errors[1], "rank 2 of 3 is gone");
}

TEST(CommunicatorTest, ARankThatIsStuckEndsTheRunInTime) {
  for (const int stuck : {0, 1}) {
    std::vector<double> seconds(3);
    const auto errors = run_ranks(
        3,
        [&](Communicator& ranks) {
          ranks.barrier();
          const auto begin = Clock::now();
          if (ranks.rank() == stuck) std::this_thread::sleep_for(std::chrono::milliseconds(1000));
          try {
            ranks.barrier();
          } catch (...) {
            seconds[static_cast<size_t>(ranks.rank())] = std::chrono::duration<double>(Clock::now() - begin).count();
            throw;
          }
        },
        /*timeout=*/0.5);
    for (int rank = 0; rank < 3; ++rank) {
      if (rank == stuck) continue;
      EXPECT_EQ(errors[static_cast<size_t>(rank)], fmt::format("rank {} of 3 has not answered for 0.5 s", stuck));
      EXPECT_LT(seconds[static_cast<size_t>(rank)], 0.9);
      EXPECT_GT(seconds[static_cast<size_t>(rank)], 0.4);
    }
  }
}

TEST(CommunicatorTest, TheReasonOfARanksEndReachesAllAndItWaitsForRankZero) {
  const auto errors = run_ranks(3, [&](Communicator& ranks) {
    ranks.barrier();
    if (ranks.rank() == 2) {
      const auto begin = Clock::now();
      ranks.end("a file is gone");
      EXPECT_GT(Clock::now() - begin, std::chrono::milliseconds(250)) << "rank 0 was still saving";
      return;
    }
    try {
      ranks.all_reduce_sum(Tensor::zeros({100}, DType::float64));
    } catch (const RankLost&) {
      if (ranks.is_root()) std::this_thread::sleep_for(std::chrono::milliseconds(300));
      throw;
    }
  });
  EXPECT_EQ(errors[0], "rank 2 ended the run: a file is gone");
  EXPECT_EQ(errors[1], "rank 2 ended the run: a file is gone");
}

TEST(CommunicatorTest, OtherNumbersOfProcessesAreRefusedOnAll) {
  const int port = free_port();
  std::string errors[2];
  std::thread other([&] {
    try {
      Communicator(launch_of(1, 3, port), 20);
    } catch (const UsageError& error) {
      errors[1] = error.what();
    }
  });
  try {
    Communicator(launch_of(0, 2, port), 20);
  } catch (const UsageError& error) {
    errors[0] = error.what();
  }
  other.join();
  for (const std::string& error : errors)
    EXPECT_EQ(error, "rank 1 was started as one of 3 processes, rank 0 as one of 2");
}

TEST(CommunicatorTest, ARankThatDoesNotComeIsNamed) {
  try {
    Communicator(launch_of(0, 3, free_port()), 0.3);
    FAIL();
  } catch (const RankLost& error) {
    EXPECT_STREQ(error.what(), "ranks 1, 2 of 3 did not join rank 0 within 0.3 s");
  }
  try {
    Communicator(launch_of(1, 3, free_port()), 0.3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("rank 0 cannot be reached at localhost:"), std::string::npos);
  }
}

TEST(CommunicatorTest, StrangersAtTheMeetingPointChangeNothing) {
  const int port = free_port();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 2; ++rank)
    threads.emplace_back([&, rank] {
      if (rank == 1) {
        const Deadline soon = Clock::now() + std::chrono::seconds(10);
        const FileDescriptor silent = connect_to("localhost", port, soon);
        FileDescriptor gone = connect_to("localhost", port, soon);
        gone.close();
        const FileDescriptor loud = connect_to("localhost", port, soon);
        const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        ::send(loud.number(), request.data(), request.size(), MSG_NOSIGNAL);
        ::shutdown(silent.number(), SHUT_WR);
        Communicator ranks(launch_of(1, 2, port), 20);
        ranks.finish();
      } else {
        Communicator ranks(launch_of(0, 2, port), 20);
        ranks.finish();
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace sunder
