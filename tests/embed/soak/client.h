// One thread of the soak: calls of all kinds, at random, each with the result that it must have.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "tests/embed/soak/reference.h"

namespace sunder::soak {

using SharedSession = std::shared_ptr<sunder_session>;

// The sessions that are open now, for a thread that cancels what runs in them.
class OpenSessions {
 public:
  void set(size_t place, SharedSession session) {
    const std::lock_guard lock(mutex_);
    sessions_[place].swap(session);
  }
  SharedSession any(std::mt19937_64& random) {
    const std::lock_guard lock(mutex_);
    if (sessions_.empty()) return nullptr;
    return std::next(sessions_.begin(), below(random, static_cast<int64_t>(sessions_.size())))->second;
  }

 private:
  std::mutex mutex_;
  std::map<size_t, SharedSession> sessions_;
};

class Client {
 public:
  // number: of the thread.
  Client(const std::vector<ModelFile>& files, OpenSessions& open_sessions, size_t number, uint64_t seed);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Throws std::runtime_error at the first result that is another than expected.
  void run(int calls);
  // Calls by kind.
  const std::map<std::string, int64_t>& tally() const { return tally_; }

 private:
  // A session and what its progress callback does, which returns whether the call is to be cancelled.
  struct Opened {
    const ModelFile* file = nullptr;
    SharedSession session;
    bool may_be_cancelled = false;
    std::unique_ptr<std::function<bool()>> on_progress = std::make_unique<std::function<bool()>>();
  };
  static constexpr size_t places = 2;

  void open(size_t place, uint64_t memory_limit = 0);
  sunder_model* load(const ModelFile& file);
  const Recording& any_recording(const Opened& opened);
  // Shows the sessions to the thread that cancels, or takes them away.
  void show(bool shown);
  // Calls until another thread has not cancelled it; where the machine is slow, the last time without that thread.
  sunder_status uncancelled(const std::function<sunder_status()>& call);
  void compare(const Samples& found, const Recording& recording, Form form, int sources, double tolerance);
  sunder_status try_stream(Opened& opened, const Recording& recording, Form form);

  void whole(Opened& opened, const Recording& recording);
  void batch(Opened& opened);
  void stream(Opened& opened);
  void give_up_stream(Opened& opened);
  void cancelled(Opened& opened);
  void busy(Opened& opened);
  void too_little_memory();
  void memory_query(Opened& opened);
  void mistake(Opened& opened);
  void bad_model();

  const std::vector<ModelFile>& files_;
  OpenSessions& open_sessions_;
  const size_t number_;
  std::mt19937_64 random_;
  Opened opened_[places];
  std::map<std::string, int64_t> tally_;
};

}  // namespace sunder::soak
