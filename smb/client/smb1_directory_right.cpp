// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_directory_right.h"

#include <utility>

#include "smb/client/directory_changes.h"

namespace smb3fuse::client {
namespace {

// Three of four places are left to those who wait for answers.
constexpr std::size_t kShareOfWindow = 4;

std::vector<DirectoryRight::Change> changes_of(const Smb1Answer& answer, NameMapping mapping) {
  if (answer.status == NtStatus::STATUS_NOTIFY_ENUM_DIR) return {};
  return changes_in(answer.parameters, mapping);
}

}  // namespace

std::shared_ptr<DirectoryRight> Smb1DirectoryRight::ask(std::shared_ptr<Smb1Link> link, std::u16string path,
                                                        DirectoryRight::Holder& holder) {
  const std::size_t most = link->channel->connection().negotiated().max_mpx_count / kShareOfWindow;
  if (!link->leases.grants() || !link->tells_changes || link->watches >= most) return nullptr;
  const std::shared_ptr<Smb1DirectoryRight> right(new Smb1DirectoryRight(std::move(link), holder));
  right->open(std::move(path));
  return right;
}

Smb1DirectoryRight::Smb1DirectoryRight(std::shared_ptr<Smb1Link> link, DirectoryRight::Holder& holder)
    : link_(std::move(link)), holder_(holder) {
  ++link_->watches;
}

Smb1DirectoryRight::~Smb1DirectoryRight() {
  close();
  --link_->watches;
}

// The watch is given up before the directory is closed under it. [MS-CIFS] 3.2.4.20
void Smb1DirectoryRight::close() {
  if (standing_) link_->channel->cancel(*std::exchange(standing_, std::nullopt));
  if (fid_) link_->close_later(*std::exchange(fid_, std::nullopt));
}

// Another client may wait for the CLOSE, to be rid of the directory.
void Smb1DirectoryRight::lose() {
  close();
  link_->channel->submit_waiting_closes();
  holder_.handle_loss(*this, [] {});
}

// Callbacks may be called for as long as the connection lives, and must not keep it.
void Smb1DirectoryRight::open(std::u16string path) {
  NtCreateParameters parameters;
  parameters.path = std::move(path);
  parameters.desired_access = wire::FILE_LIST_DIRECTORY | wire::FILE_READ_ATTRIBUTES;
  parameters.create_options = wire::FILE_DIRECTORY_FILE;
  link_->exchange(link_->requests.create(parameters),
                  [weak = weak_from_this(), link = link_.get()](const Smb1Answer& answer) {
                    const auto created = answer.block<cifs::NtCreateResponse>();
                    if (const auto self = weak.lock()) {
                      if (!created) return self->lose();
                      self->handle_opened(created->fid);
                    } else if (created) {
                      link->close_later(created->fid);
                    }
                  });
}

void Smb1DirectoryRight::handle_opened(std::uint16_t fid) {
  fid_ = fid;
  watch();
  look();
  link_->channel->submit_waiting_closes();
}

void Smb1DirectoryRight::watch() {
  link_->channel->submit_later(
      link_->requests.notify_change(*fid_, kWatched, kChangesAnswer),
      [weak = weak_from_this()](const Smb1Answer& answer) {
        const auto self = weak.lock();
        if (!self || !self->fid_) return;
        self->standing_.reset();
        self->handle_notified(answer);
      },
      [weak = weak_from_this()](smb1::RequestId id) {
        const auto self = weak.lock();
        if (self && self->fid_) self->standing_ = id;
      });
}

// Whether the directory is about to be removed, which no watch tells: Samba 4.17 then lets the request stand, and waits
// with the removal for our CLOSE. A directory that is removed has lost its last name before.
void Smb1DirectoryRight::look() {
  link_->channel->submit_later(link_->requests.query_all(*fid_), [weak = weak_from_this()](const Smb1Answer& answer) {
    const auto self = weak.lock();
    if (self && self->fid_) self->handle_look(answer);
  });
}

void Smb1DirectoryRight::handle_look(const Smb1Answer& answer) {
  const auto all = information_of<cifs::QueryFileAllInfo>(answer);
  if (!all || all->standard_information.delete_pending) return lose();
  if (!std::exchange(granted_, true)) holder_.handle_right(*this);
}

void Smb1DirectoryRight::handle_notified(const Smb1Answer& answer) {
  if (knows_no_watches(answer.status)) link_->tells_changes = false;
  if (is_error(answer.status) || answer.status == NtStatus::STATUS_NOTIFY_CLEANUP) return lose();
  const std::vector<Change> changes = changes_of(answer, link_->name_mapping);
  const std::shared_ptr<Smb1DirectoryRight> self = shared_from_this();  // the holder may let go of it
  if (!holder_.handle_changes(*this, changes)) return;
  watch();
  if (changes.empty() || has_gone(changes)) look();
}

}  // namespace smb3fuse::client
