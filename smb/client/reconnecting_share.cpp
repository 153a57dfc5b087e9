// SPDX-License-Identifier: Apache-2.0
#include "smb/client/reconnecting_share.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "smb/client/interrupt.h"
#include "smb/status.h"

namespace smb3fuse::client {
namespace {

constexpr Duration kFirstPause = std::chrono::seconds(1);
constexpr Duration kLongestPause = std::chrono::seconds(30);
constexpr Duration kPauseAfterRefusal = std::chrono::minutes(1);

std::error_code error_in(std::error_code answer) { return answer; }
template <class T>
std::error_code error_in(const Result<T>& answer) {
  return answer ? std::error_code() : answer.error();
}

template <class Answer>
Answer refusal(std::error_code error) {
  if constexpr (std::is_same_v<Answer, std::error_code>) {
    return error;
  } else {
    return tl::make_unexpected(error);
  }
}

}  // namespace

// One for a file, however many connections it is opened on.
class ReconnectingShare::LeaseOverConnections final : public Lease {
 public:
  LeaseOverConnections(Holder& holder, Connection connection)
      : holder_(holder), connection_(std::move(connection)), lease_(connection_->make_lease(holder)) {}

  Rights rights() const override { return lease_ ? lease_->rights() : Rights{}; }

  Lease* under(const Connection& connection) {
    if (connection != connection_) {
      lease_ = nullptr;
      connection_ = connection;
      lease_ = connection_->make_lease(holder_);
    }
    return lease_.get();
  }

 private:
  Holder& holder_;
  Connection connection_;  // outlives its lease
  std::unique_ptr<Lease> lease_;
};

std::unique_ptr<Lease> ReconnectingShare::make_lease(Lease::Holder& holder) {
  auto lease = std::make_unique<LeaseOverConnections>(holder, current_);
  return lease->under(current_) == nullptr ? nullptr : std::move(lease);
}

Lease* ReconnectingShare::lease_under(Lease* lease, const Connection& connection) {
  return lease == nullptr ? nullptr : static_cast<LeaseOverConnections*>(lease)->under(connection);
}

std::shared_ptr<DirectoryRight> ReconnectingShare::ask_directory_right(std::string path,
                                                                       DirectoryRight::Holder& holder) {
  return current_->is_lost() ? nullptr : current_->ask_directory_right(std::move(path), holder);
}

// ---- connecting

Task<std::error_code> ReconnectingShare::connect_anew() {
  if (!connecting_ && runtime_.now() < not_before_) co_return failure_;
  Interrupt* const interrupt = co_await own_interrupt();
  const std::uint64_t id = ++last_waiting_;
  const auto give_up = [this, id] {
    auto waiting = waiting_.extract(id);
    if (!waiting.empty()) waiting.mapped()(make_error_code(NtStatus::STATUS_CANCELLED));
  };
  auto wait = [&](auto done) {
    waiting_.emplace(id, std::move(done));
    if (interrupt != nullptr) interrupt->arm(give_up);
    if (!std::exchange(connecting_, true)) spawn(attempt());
  };
  const std::error_code failed = co_await callback<std::error_code>(wait);
  if (interrupt != nullptr) interrupt->disarm();
  co_return failed;
}

Task<void> ReconnectingShare::attempt() {
  auto made = co_await connect_();
  connecting_ = false;
  if (made) {
    current_ = std::move(*made);
    ++connections_;
    failure_.clear();
    pause_ = {};
  } else {
    const ConnectError& error = made.error();
    if (!failure_) spdlog::error("cannot connect again: {}: {}", name_of(error.step), error.sentence);
    failure_ = error.error.category() == nt_status_category()
                   ? error.error
                   : make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED);
    pause_ = error.step == ConnectStep::authenticate ? kPauseAfterRefusal
                                                     : std::clamp(pause_ * 2, kFirstPause, kLongestPause);
    not_before_ = runtime_.now() + pause_;
  }
  for (auto& [id, done] : std::exchange(waiting_, {})) done(failure_);
}

template <class Answer, class Ask>
Task<Answer> ReconnectingShare::run(Again again, Ask ask) {
  for (;;) {
    if (current_->is_lost()) {
      const std::error_code failed = co_await connect_anew();
      if (failed) co_return refusal<Answer>(failed);
    }
    const Connection connection = current_;  // outlives what is asked on it
    Answer answer = co_await ask(connection);
    const bool was_lost = connection->is_lost() && error_in(answer) && error_in(answer) != NtStatus::STATUS_IO_TIMEOUT;
    if (!was_lost || again == Again::no) co_return answer;
    again = Again::no;
  }
}

// ---- what is asked, and what is changed

Task<Result<Attributes>> ReconnectingShare::stat(std::string path) {
  return run<Result<Attributes>>(Again::yes,
                                 [path = std::move(path)](const Connection& share) { return share->stat(path); });
}

Task<Result<OpenResult>> ReconnectingShare::open(OpenRequest request) {
  const Again again = request.disposition == Disposition::create ? Again::no : Again::yes;
  return run<Result<OpenResult>>(again, [request = std::move(request)](const Connection& share) {
    OpenRequest on_it = request;
    on_it.lease = lease_under(request.lease, share);
    return share->open(std::move(on_it));
  });
}

Task<Result<std::unique_ptr<DirectoryStream>>> ReconnectingShare::open_directory(std::string path) {
  return run<Result<std::unique_ptr<DirectoryStream>>>(
      Again::yes, [path = std::move(path)](const Connection& share) { return share->open_directory(path); });
}

Task<Result<Attributes>> ReconnectingShare::make_directory(std::string path, std::uint32_t mode) {
  return run<Result<Attributes>>(Again::no,
                                 [path, mode](const Connection& share) { return share->make_directory(path, mode); });
}

Task<Result<Attributes>> ReconnectingShare::make_special(std::string path, PosixAttributes what) {
  return run<Result<Attributes>>(Again::no,
                                 [path, what](const Connection& share) { return share->make_special(path, what); });
}

Task<std::error_code> ReconnectingShare::remove_file(std::string path, RemoveHint hint) {
  return run<std::error_code>(
      Again::no, [path = std::move(path), hint](const Connection& share) { return share->remove_file(path, hint); });
}

Task<std::error_code> ReconnectingShare::remove_directory(std::string path) {
  return run<std::error_code>(
      Again::no, [path = std::move(path)](const Connection& share) { return share->remove_directory(path); });
}

Task<std::error_code> ReconnectingShare::rename(std::string from, std::string to, bool replace, Lease* lease) {
  return run<std::error_code>(Again::no,
                              [from = std::move(from), to = std::move(to), replace, lease](const Connection& share) {
                                return share->rename(from, to, replace, lease_under(lease, share));
                              });
}

Task<std::error_code> ReconnectingShare::link(std::string existing, std::string new_path) {
  return run<std::error_code>(Again::no, [existing = std::move(existing), new_path = std::move(new_path)](
                                             const Connection& share) { return share->link(existing, new_path); });
}

Task<std::error_code> ReconnectingShare::set_attributes(std::string path, AttributeChanges changes) {
  return run<std::error_code>(Again::yes, [path = std::move(path), changes](const Connection& share) {
    return share->set_attributes(path, changes);
  });
}

Task<Result<Attributes>> ReconnectingShare::make_symlink(std::string path, std::string target) {
  return run<Result<Attributes>>(Again::no, [path = std::move(path), target = std::move(target)](
                                                const Connection& share) { return share->make_symlink(path, target); });
}

Task<Result<FileSystemInfo>> ReconnectingShare::file_system_info() {
  return run<Result<FileSystemInfo>>(Again::yes, [](const Connection& share) { return share->file_system_info(); });
}

Task<Result<PosixAcls>> ReconnectingShare::posix_acls(std::string path) {
  return run<Result<PosixAcls>>(Again::yes,
                                [path = std::move(path)](const Connection& share) { return share->posix_acls(path); });
}

ShareStatus ReconnectingShare::status() const {
  ShareStatus status = current_->status();
  status.connections = connections_;
  return status;
}

Task<tl::expected<std::unique_ptr<Share>, ConnectError>> connect_lasting(Runtime& runtime, Dialer& dialer,
                                                                         std::shared_ptr<const ConnectConfig> config) {
  ReconnectingShare::Connect again = [&runtime, &dialer, config] { return connect(runtime, dialer, config); };
  auto connected = co_await again();
  if (!connected) co_return tl::make_unexpected(std::move(connected.error()));
  co_return std::make_unique<ReconnectingShare>(runtime, std::move(*connected), std::move(again));
}

}  // namespace smb3fuse::client
