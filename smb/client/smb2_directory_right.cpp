// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_directory_right.h"

#include <utility>

#include "smb/client/directory_changes.h"
#include "smb/client/smb2_open.h"
#include "smb/wire/change_notify.h"
#include "smb/wire/codec.h"
#include "smb/wire/fscc.h"
#include "smb/wire/negotiate.h"
#include "smb/wire/query_info.h"

namespace smb3fuse::client {
namespace {

using Change = DirectoryRight::Change;

bool has_leases(const Smb2Link& link) {
  const std::uint32_t offered = link.channel->connection().negotiated().capabilities;
  return link.leases.kind() == LeaseKind::lease_v2 && (offered & wire::SMB2_GLOBAL_CAP_DIRECTORY_LEASING) != 0;
}

// Nothing: whatever may have changed.
std::vector<Change> changes_of(const Answer& answer, NameMapping mapping) {
  if (answer.status == NtStatus::STATUS_NOTIFY_ENUM_DIR) return {};
  const auto response = wire::decode<wire::ChangeNotifyResponse>(answer.body);
  if (response) return changes_in(response->buffer, mapping);
  static_cast<void>(malformed(response.error()));
  return {};
}

bool is_delete_pending(const Answer& answer) {
  if (is_error(answer.status)) return false;
  const auto response = wire::decode<wire::QueryInfoResponse>(answer.body);
  if (!response) return false;
  const auto standard = wire::decode<wire::FileStandardInformation>(response->output_buffer);
  return standard && standard->delete_pending;
}

}  // namespace

std::shared_ptr<DirectoryRight> Smb2DirectoryRight::ask(std::shared_ptr<Smb2Link> link, std::u16string path,
                                                        DirectoryRight::Holder& holder) {
  const bool leases = has_leases(*link);
  if (link->leases.kind() == LeaseKind::none || (!leases && !link->tells_changes)) return nullptr;
  const std::shared_ptr<Smb2DirectoryRight> right(new Smb2DirectoryRight(std::move(link), std::move(path), holder));
  if (leases) {
    right->ask_lease();
  } else {
    right->ask_watch();
  }
  return right;
}

Smb2DirectoryRight::Smb2DirectoryRight(std::shared_ptr<Smb2Link> link, std::u16string path,
                                       DirectoryRight::Holder& holder)
    : link_(std::move(link)), path_(std::move(path)), holder_(holder) {}

Smb2DirectoryRight::~Smb2DirectoryRight() { close(); }

void Smb2DirectoryRight::close() {
  if (lease_) link_->leases.remove_directory(path_, *lease_);
  if (!file_) return;
  link_->leases.handle_closed(*file_);
  link_->close_later(*std::exchange(file_, std::nullopt));
}

// Another client may wait for the CLOSE, to be rid of the directory.
void Smb2DirectoryRight::lose() {
  close();
  link_->channel->submit_waiting_closes();
  holder_.handle_loss(*this, [] {});
}

CreateParameters Smb2DirectoryRight::parameters() const {
  CreateParameters parameters;
  parameters.path = path_;
  parameters.desired_access = wire::FILE_LIST_DIRECTORY | wire::FILE_READ_ATTRIBUTES;
  parameters.create_options = wire::FILE_DIRECTORY_FILE;
  return parameters;
}

// ---- a lease

void Smb2DirectoryRight::ask_lease() {
  CreateParameters create = parameters();
  Lease::Holder& broken = *this;
  lease_.emplace(link_->leases, broken);
  link_->leases.begin_open(*lease_, create, Smb2Leases::Wanted::names);
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(create));
  link_->exchange(std::move(chain), [self = shared_from_this()](const Smb2Link::Answers& answers) {
    self->handle_leased(answers.front());
  });
}

void Smb2DirectoryRight::handle_leased(const Answer& created) {
  std::optional<wire::CreateResponse> response;
  if (!is_error(created.status)) {
    if (auto decoded = wire::decode<wire::CreateResponse>(created.body)) response = std::move(*decoded);
  }
  link_->leases.end_open(*lease_, response ? &*response : nullptr);
  if (response) file_ = response->file_id;
  if (!lease_->rights().read) return lose();
  link_->leases.add_directory(path_, *lease_);
  holder_.handle_right(*this);
}

// Without an open left the CLOSE answers it.
void Smb2DirectoryRight::handle_break(Rights, std::function<void()> done) {
  if (!file_) return done();
  holder_.handle_loss(*this, [self = shared_from_this(), done = std::move(done)] {
    self->close();
    done();
  });
}

// ---- a watch

void Smb2DirectoryRight::ask_watch() {
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.create(parameters()));
  chain.push_back(link_->requests.change_notify(wire::FileId::of_previous(), kWatched, kChangesAnswer));
  // They may be called for as long as the connection lives, and must not keep it.
  link_->exchange(
      std::move(chain),
      [weak = weak_from_this()](const Smb2Link::Answers& answers) {
        if (const auto self = weak.lock()) self->handle_notified(answers.back());
      },
      [weak = weak_from_this(), link = link_.get()](std::size_t index, const Answer& answer) {
        if (const auto self = weak.lock()) return self->handle_seen(index, answer);
        if (index > 0 || is_error(answer.status)) return;
        if (const auto created = wire::decode<wire::CreateResponse>(answer.body)) link->close_later(created->file_id);
      });
}

void Smb2DirectoryRight::handle_seen(std::size_t index, const Answer& answer) {
  if (is_error(answer.status)) return;  // handle_notified() sees it, too
  if (index == 0) {
    if (const auto created = wire::decode<wire::CreateResponse>(answer.body)) file_ = created->file_id;
  } else if (answer.status == NtStatus::STATUS_PENDING && file_) {
    holder_.handle_right(*this);
  }
}

// The server keeps what happens until then, but not that the directory itself is removed meanwhile: Samba 4.17 then
// lets the request stand, and waits with the removal for our CLOSE. A directory that is removed has lost its last name
// before.
void Smb2DirectoryRight::watch_on(bool may_be_removed) {
  Smb2Link::Chain chain;
  Smb2Channel::AnswerSeen seen;
  if (may_be_removed) {
    chain.push_back(link_->requests.query(*file_, wire::FileInformationClass::standard, kFixedInformationBuffer));
    seen = [weak = weak_from_this()](std::size_t index, const Answer& answer) {
      const auto self = weak.lock();
      if (self && index == 0 && is_delete_pending(answer)) self->lose();
    };
  }
  chain.push_back(link_->requests.change_notify(*file_, kWatched, kChangesAnswer));
  link_->channel->submit_later(
      std::move(chain),
      [weak = weak_from_this()](const Smb2Link::Answers& answers) {
        const auto self = weak.lock();
        if (self && self->file_) self->handle_notified(answers.back());
      },
      std::move(seen));
}

void Smb2DirectoryRight::handle_notified(const Answer& answer) {
  if (file_ && knows_no_watches(answer.status)) link_->tells_changes = false;
  if (is_error(answer.status) || answer.status == NtStatus::STATUS_NOTIFY_CLEANUP || !file_) return lose();
  const std::vector<Change> changes = changes_of(answer, link_->name_mapping);
  const bool may_be_removed = changes.empty() || has_gone(changes);
  if (holder_.handle_changes(*this, changes)) watch_on(may_be_removed);
}

}  // namespace smb3fuse::client
