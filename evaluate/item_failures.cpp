#include "evaluate/item_failures.h"

#include <algorithm>
#include <new>
#include <stdexcept>

namespace sunder {
namespace {

// Calls use(error) with an exception as an Error. Returns false for one that is no failure of an item.
template <class Use>
bool as_error_of_item(const std::exception_ptr& exception, const Use& use) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    const ErrorKind kind = error.kind();
    if (kind != ErrorKind::input && kind != ErrorKind::memory && kind != ErrorKind::failure) return false;
    use(error);
  } catch (const std::bad_alloc&) {
    use(OutOfMemory("out of memory", 0));
  } catch (const std::length_error&) {  // a vector longer than any memory
    use(OutOfMemory("out of memory", 0));
  } catch (...) {
    return false;
  }
  return true;
}

}  // namespace

std::string message_of_item(const std::string& item, const Error& error) {
  const std::string message = error.what();
  const bool named = error.kind() == ErrorKind::input || message.starts_with(item + ":");
  return named ? message : fmt::format("{}: {}", item, message);
}

bool ItemFailures::attempt(int64_t item, const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (...) {
    const std::exception_ptr exception = std::current_exception();
    std::string reason;
    if (!as_error_of_item(exception, [&](const Error& error) { reason = error.what(); })) throw;
    const std::lock_guard lock(mutex_);
    items_[item].failed = reason;
    failures_.push_back({item, exception});
    if (announced_) tell(failures_.back());
    return false;
  }
}

bool ItemFailures::attempt_together(const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (...) {
    if (!as_error_of_item(std::current_exception(), [](const Error&) {})) throw;
    return false;
  }
}

void ItemFailures::throw_if_all_failed() const {
  if (failures_.empty() || failures_.size() < items_.size()) return;
  const auto first = std::ranges::min_element(failures_, {}, [](const Failure& failure) { return failure.item; });
  as_error_of_item(first->exception, [&](const Error& error) {
    const std::string message = message_of_item(items_[first->item].name, error);
    if (error.kind() == ErrorKind::memory) throw OutOfMemory(message, 0);
    if (error.kind() == ErrorKind::failure) throw Error(message);
    std::rethrow_exception(first->exception);  // with its own type
  });
}

void ItemFailures::announce() {
  const std::lock_guard lock(mutex_);
  announced_ = true;
  for (const Failure& failure : failures_) tell(failure);
}

// A single item's failure is thrown by throw_if_all_failed.
void ItemFailures::tell(const Failure& failure) const {
  if (!told_ || items_.size() < 2) return;
  as_error_of_item(failure.exception, [&](const Error& error) { told_(items_[failure.item], error); });
}

}  // namespace sunder
