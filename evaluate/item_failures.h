// What becomes of items that cannot be scored.
#pragma once

#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "evaluate/scoring.h"
#include "tensor/error.h"

namespace sunder {

// An error's message, which says whose it is: "<item>: <message>", or as it is where it begins with a file or the item.
std::string message_of_item(const std::string& item, const Error& error);

class ItemFailures {
 public:
  using Told = std::function<void(const ScoredItem& item, const Error& error)>;

  // `told`: of failures, once announce() was called; may be empty.
  ItemFailures(std::vector<ScoredItem>& items, Told told) : items_(items), told_(std::move(told)) {}

  // Runs work() and returns whether it succeeded. A failure of this item alone (InputError, OutOfMemory, std::bad_alloc
  // and failures of other kinds that say nothing of the device, the model or the usage) is written into it; others are
  // thrown. Safe to call from several threads.
  bool attempt(int64_t item, const std::function<void()>& work);

  // The same without writing it down: whether it may be tried again in another way.
  static bool attempt_together(const std::function<void()>& work);

  // Throws the first item's exception if all items failed, with its name.
  void throw_if_all_failed() const;
  // Tells of all failures so far, and from now on of each at once.
  void announce();

 private:
  struct Failure {
    int64_t item = 0;
    std::exception_ptr exception;
  };

  void tell(const Failure& failure) const;

  std::vector<ScoredItem>& items_;
  Told told_;
  std::vector<Failure> failures_;
  bool announced_ = false;
  std::mutex mutex_;
};

}  // namespace sunder
