// SPDX-License-Identifier: Apache-2.0
#include "smb/client/race.h"

#include <optional>
#include <utility>

#include "nbt/session.h"

namespace smb3fuse::client {
namespace {

class Race : public std::enable_shared_from_this<Race> {
 public:
  Race(Runtime& runtime, std::vector<Contender> contenders)
      : runtime_(runtime),
        contenders_(std::move(contenders)),
        next_timer_(runtime.make_timer()),
        deadline_(runtime.make_timer()) {}

  void start(Duration timeout, std::function<void(Dialled)> done) {
    done_ = std::move(done);
    deadline_->expire_at(runtime_.now() + timeout, [self = weak_from_this()] {
      if (const auto race = self.lock()) race->finish(race->failure(std::make_error_code(std::errc::timed_out)));
    });
    start_next();
  }

 private:
  void start_next() {
    if (!done_ || begun_ == contenders_.size()) return;
    const Contender& contender = contenders_[begun_++];
    ++running_;
    if (begun_ < contenders_.size()) {
      next_timer_->expire_at(runtime_.now() + contenders_[begun_].head_start, [self = weak_from_this()] {
        if (const auto race = self.lock()) race->start_next();
      });
    }
    auto running = contender.start([self = weak_from_this()](Dialled outcome) {
      if (const auto race = self.lock()) race->take(std::move(outcome));
    });
    if (done_) under_way_.push_back(std::move(running));
  }

  void take(Dialled outcome) {
    if (!done_) return;
    if (outcome) return finish(std::move(outcome));
    --running_;
    const bool says_more = outcome.error().error.category() == nbt::session_category();
    if (!error_ || says_more) error_ = outcome.error();
    if (begun_ < contenders_.size()) return start_next();
    if (running_ == 0) finish(failure({}));
  }

  Dialled failure(std::error_code otherwise) const {
    return tl::make_unexpected(error_.value_or(DialError{false, otherwise}));
  }

  void finish(Dialled outcome) {
    if (!done_) return;
    next_timer_->cancel();
    deadline_->cancel();
    const auto losers = std::exchange(under_way_, {});
    auto tell = std::exchange(done_, nullptr);
    tell(std::move(outcome));
  }

  Runtime& runtime_;
  const std::vector<Contender> contenders_;
  std::unique_ptr<Timer> next_timer_;
  std::unique_ptr<Timer> deadline_;
  std::function<void(Dialled)> done_;
  std::size_t begun_ = 0;
  std::size_t running_ = 0;
  std::vector<std::shared_ptr<void>> under_way_;
  std::optional<DialError> error_;
};

}  // namespace

Task<Dialled> race(Runtime& runtime, std::vector<Contender> contenders, Duration timeout) {
  if (contenders.empty()) {
    const DialError nobody{true, std::make_error_code(std::errc::address_not_available)};
    co_return tl::make_unexpected(nobody);
  }
  const auto contest = std::make_shared<Race>(runtime, std::move(contenders));
  auto begin = [&](auto done) {
    contest->start(timeout, [done](Dialled outcome) mutable { done(std::move(outcome)); });
  };
  Dialled outcome = co_await callback<Dialled>(begin);
  co_return outcome;
}

}  // namespace smb3fuse::client
