// SPDX-License-Identifier: Apache-2.0
// Task<T>: a lazy, executor-free coroutine for procedures of several round trips. It runs on the loop thread, resumed
// from wherever the reply it awaits is delivered. An Interrupt goes with it, from the task that was spawned down to the
// one that waits (interrupt.h).
//
// Rule, because g++ 12.2 miscompiles the rest (tests/lint checks it): `co_await` is a whole statement, or the whole
// right-hand side of one declaration or assignment; aggregates are named first and then moved into the call.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace smb3fuse::client {

class Interrupt;
template <class T>
class Task;

namespace detail {

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
    return finished.promise().continuation;
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  Interrupt* interrupt = nullptr;  // of the task that was spawned; null: none, or shielded from it
  bool is_shielded = false;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    promise_type& promise = handle_.promise();
    promise.continuation = awaiting;
    if constexpr (std::is_base_of_v<detail::PromiseBase, Promise>) {
      if (!promise.is_shielded) promise.interrupt = awaiting.promise().interrupt;
    }
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  friend void spawn(Task<void> task, std::shared_ptr<Interrupt> interrupt);
  template <class U>
  friend Task<U> uninterrupted(Task<U> task);

  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};
}  // namespace detail

// Starts `task` now and lets it run to its end on its own, with `interrupt` if there is one.
inline void spawn(Task<void> task, std::shared_ptr<Interrupt> interrupt = nullptr) {
  task.handle_.promise().interrupt = interrupt.get();
  [](std::shared_ptr<Interrupt>, Task<void> running) -> detail::Detached { co_await running; }(std::move(interrupt),
                                                                                               std::move(task));
}

// `task` shielded from the Interrupt of the one that awaits it: for what others depend on, or must not be left half
// done.
template <class T>
Task<T> uninterrupted(Task<T> task) {
  task.handle_.promise().is_shielded = true;
  return task;
}

class OwnInterrupt {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> own) noexcept {
    interrupt_ = own.promise().interrupt;
    return false;
  }
  Interrupt* await_resume() const noexcept { return interrupt_; }

 private:
  Interrupt* interrupt_ = nullptr;
};

// The Interrupt of the Task that awaits this; null if there is none: `Interrupt* const own = co_await own_interrupt();`
inline OwnInterrupt own_interrupt() { return {}; }

// Awaits one call of a completion callback: `T value = co_await callback<T>([&](auto done) { start(std::move(done));
// });` `done` is copyable and is called exactly once, during the start or later.
template <class T, class Start>
class CallbackAwaiter {
 public:
  explicit CallbackAwaiter(Start start) : start_(std::move(start)) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    start_([this, awaiting](T value) {
      value_.emplace(std::move(value));
      if (suspended_) awaiting.resume();
    });
    if (value_.has_value()) return false;
    suspended_ = true;
    return true;
  }
  T await_resume() { return std::move(*value_); }

 private:
  Start start_;
  std::optional<T> value_;
  bool suspended_ = false;
};

template <class T, class Start>
CallbackAwaiter<T, Start> callback(Start start) {
  return CallbackAwaiter<T, Start>(std::move(start));
}

}  // namespace smb3fuse::client
