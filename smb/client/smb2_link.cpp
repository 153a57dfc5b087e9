// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_link.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "smb/wire/codec.h"
#include "smb/wire/create.h"

namespace smb3fuse::client {
namespace {

bool is_expired(const Smb2Link::Answers& answers) {
  return answers.front().status == NtStatus::STATUS_NETWORK_SESSION_EXPIRED;
}

}  // namespace

Smb2Link::Smb2Link(Runtime& loop, std::unique_ptr<Smb2Channel> link, Smb2Requests tree, LeaseKind kind)
    : runtime(loop),
      channel(std::move(link)),
      requests(tree),
      leases(
          kind, tree, [&loop] { return loop.now(); },
          [this](smb2::Outgoing acknowledgment) {
            Chain chain;
            chain.push_back(std::move(acknowledgment));
            // What a server has against it (the lease is gone, the break has timed out) changes nothing here.
            exchange(std::move(chain), [](const Answers&) {});
          },
          [this] { channel->submit_waiting_closes(); }) {
  channel->handle_breaks([this](ByteView body) { leases.handle_break(body); });
  channel->handle_loss([this] { leases.handle_lost(); });
}

void Smb2Link::exchange(Chain chain, Smb2Channel::AnswersDone done, Smb2Channel::AnswerSeen seen) {
  start({.chain = std::move(chain), .done = std::move(done), .seen = std::move(seen)});
}

void Smb2Link::start(Exchange exchange) {
  if (renewing_) {
    parked_.push_back(std::move(exchange));
    return;
  }
  Chain chain = exchange.chain;
  Interrupt* const interrupt = exchange.interrupt;
  Smb2Channel::AnswerSeen seen = exchange.seen;
  const smb2::RequestId id = channel->exchange(
      std::move(chain),
      [this, exchange = std::move(exchange)](Answers answers) mutable {
        if (exchange.interrupt != nullptr) exchange.interrupt->disarm();
        // A session that expires as soon as it is set up would be renewed without an end.
        if (!is_expired(answers) || exchange.is_repeated || !authenticate_again)
          return exchange.done(std::move(answers));
        exchange.is_repeated = true;
        parked_.push_back(std::move(exchange));
        if (!std::exchange(renewing_, true)) spawn(renew_session());
      },
      std::move(seen));
  if (interrupt != nullptr) interrupt->arm([this, id] { channel->cancel(id); });
}

Task<void> Smb2Link::renew_session() {
  spdlog::info("the session has expired: authenticating again");
  const std::error_code failed = co_await authenticate_again();
  renewing_ = false;
  for (Exchange& parked : std::exchange(parked_, {})) {
    if (!failed) {
      start(std::move(parked));
      continue;
    }
    Answers answers(parked.chain.size());
    for (Answer& answer : answers) answer.status = nt_status_of(failed);
    parked.done(std::move(answers));
  }
}

Task<Smb2Link::Answers> Smb2Link::exchange(Chain chain) {
  Interrupt* const interrupt = co_await own_interrupt();
  auto begin = [&](auto done) { start({std::move(chain), std::move(done), interrupt}); };
  Answers answers = co_await callback<Answers>(begin);
  co_return answers;
}

void Smb2Link::close_remains(const Answers& answers) {
  if (is_error(answers.front().status) || !is_error(answers.back().status)) return;
  if (const auto created = wire::decode<wire::CreateResponse>(answers.front().body)) close_later(created->file_id);
}

void Smb2Link::exchange_and_close(Chain chain, Smb2Channel::AnswersDone done) {
  exchange(std::move(chain), [this, done = std::move(done)](Answers answers) {
    close_remains(answers);
    done(std::move(answers));
  });
}

Task<Smb2Link::Answers> Smb2Link::exchange_and_close(Chain chain) {
  Answers answers = co_await exchange(std::move(chain));
  close_remains(answers);
  co_return answers;
}

Task<std::error_code> Smb2Link::run(Chain chain) {
  const Answers answers = co_await exchange_and_close(std::move(chain));
  co_return first_error(answers);
}

std::uint32_t Smb2Link::affordable(std::uint32_t bytes) const {
  const smb2::Connection& connection = channel->connection();
  if (!connection.negotiated().multi_credit) return bytes;
  const std::uint32_t credits = (std::max(connection.owned_credits(), 3u) - 1) / 2;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, std::uint64_t{credits} * smb2::kBytesPerCredit));
}

std::error_code first_error(const Smb2Link::Answers& answers) {
  const auto failed =
      std::find_if(answers.begin(), answers.end(), [](const Answer& answer) { return is_error(answer.status); });
  return failed == answers.end() ? std::error_code() : make_error_code(failed->status);
}

std::error_code malformed(const wire::DecodeError& error) {
  spdlog::error("malformed answer from the server: {}", wire::to_string(error));
  return make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
}

}  // namespace smb3fuse::client
