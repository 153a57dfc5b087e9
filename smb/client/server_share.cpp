// SPDX-License-Identifier: Apache-2.0
#include "smb/client/server_share.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "smb/client/open_terms.h"
#include "smb/client/reconnecting_share.h"
#include "smb/client/share_status.h"

namespace smb3fuse::client {
namespace {

constexpr Duration kListHolds = std::chrono::seconds(30);
// Shells and desktops ask for the same names again and again, and each costs a connection.
constexpr Duration kMissingHolds = std::chrono::minutes(1);
constexpr std::size_t kMostMissing = 256;
constexpr std::uint32_t kIoBeforeConnecting = 64 * 1024;
constexpr std::uint64_t kBlock = 4096;

std::error_code refused(NtStatus status) { return make_error_code(status); }
// What changes the folder of the shares, or the shares' own.
std::error_code unchangeable() { return refused(NtStatus::STATUS_MEDIA_WRITE_PROTECTED); }

std::string folded(std::string name) {
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return name;
}

struct Place {
  std::string share;  // empty: the folder of all shares
  std::string rest;   // empty: the share's own folder
};

Place place_of(const std::string& path) {
  const std::size_t slash = std::min(path.find('/'), path.size());
  return {path.substr(0, slash), path.substr(std::min(slash + 1, path.size()))};
}

// A file's lease is one of the share that it is first opened in.
class MemberLease final : public Lease {
 public:
  explicit MemberLease(Holder& holder) : holder_(holder) {}
  Rights rights() const override { return lease_ ? lease_->rights() : Rights{}; }
  Lease* in(Share& share) {
    if (!lease_) lease_ = share.make_lease(holder_);
    return lease_.get();
  }
  static Lease* of(Lease* lease, Share& share) {
    return lease != nullptr ? static_cast<MemberLease*>(lease)->in(share) : nullptr;
  }

 private:
  Holder& holder_;
  std::unique_ptr<Lease> lease_;
};

class SharesStream final : public DirectoryStream {
 public:
  SharesStream(Attributes attributes, std::vector<DirectoryEntry> entries)
      : attributes_(std::move(attributes)), entries_(std::move(entries)) {}
  const Attributes& attributes() const override { return attributes_; }
  Task<Result<std::vector<DirectoryEntry>>> next() override { co_return std::exchange(entries_, {}); }

 private:
  Attributes attributes_;
  std::vector<DirectoryEntry> entries_;
};

void add(ShareStatus& sum, const ShareStatus& other) {
  sum.credits_granted += other.credits_granted;
  sum.credits_in_use += other.credits_in_use;
  sum.requests_in_flight += other.requests_in_flight;
  sum.requests_queued += other.requests_queued;
  sum.messages_sent += other.messages_sent;
  sum.compounds_sent += other.compounds_sent;
  sum.bytes_sent += other.bytes_sent;
  sum.bytes_received += other.bytes_received;
  for (const CommandStatus& command : other.commands) {
    const auto same = std::find_if(sum.commands.begin(), sum.commands.end(),
                                   [&](const CommandStatus& known) { return known.name == command.name; });
    if (same == sum.commands.end()) {
      sum.commands.push_back(command);
      continue;
    }
    same->requests += command.requests;
    same->round_trips += command.round_trips;
    same->errors += command.errors;
  }
  sum.leases.read += other.leases.read;
  sum.leases.read_handle += other.leases.read_handle;
  sum.leases.read_write += other.leases.read_write;
  sum.leases.read_write_handle += other.leases.read_write_handle;
  sum.leases.level_ii_oplock += other.leases.level_ii_oplock;
  sum.leases.exclusive_oplock += other.leases.exclusive_oplock;
  sum.leases.batch_oplock += other.leases.batch_oplock;
  sum.breaks.received += other.breaks.received;
  sum.breaks.acknowledged += other.breaks.acknowledged;
  sum.breaks.longest = std::max(sum.breaks.longest, other.breaks.longest);
}

// What programs are told: a name without a share is a missing file.
std::error_code told(const std::error_code& error) {
  const bool is_none = error == NtStatus::STATUS_BAD_NETWORK_NAME || error == NtStatus::STATUS_BAD_DEVICE_TYPE;
  return is_none ? refused(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND) : error;
}

}  // namespace

ServerShare::Member::Member(const std::string& key) : ids(std::hash<std::string>()(key)) {}

ServerShare::ServerShare(Runtime& runtime, std::string server, Access access, const std::vector<ListedShare>& shares)
    : runtime_(runtime), server_(std::move(server)), access_(std::move(access)), since_(runtime.now()) {
  root_.file_attributes = file_attribute::directory;
  root_.creation_time = root_.last_access_time = root_.last_write_time = root_.change_time = local_time_now();
  root_.file_id = std::hash<std::string>()("");
  take_list(shares);
}

ServerShare::~ServerShare() = default;

void ServerShare::take_list(const std::vector<ListedShare>& shares) {
  shown_.clear();
  for (const ListedShare& share : shares) {
    const bool is_name = share.name.find('/') == std::string::npos && share.name != "." && share.name != "..";
    if (share.kind == ShareKind::disk && !share.special && !share.name.ends_with('$') && is_name) {
      shown_.push_back(share.name);
    }
  }
  listed_at_ = runtime_.now();
}

Attributes ServerShare::folder_attributes(const std::string& share) const {
  Attributes attributes = root_;
  attributes.file_id = std::hash<std::string>()(folded(share));
  return attributes;
}

Task<Result<std::shared_ptr<ServerShare::Member>>> ServerShare::enter(std::string share) {
  const std::string key = folded(share);
  if (const auto known = missing_.find(key); known != missing_.end()) {
    if (runtime_.now() < known->second.until) co_return tl::make_unexpected(known->second.error);
    missing_.erase(known);
  }
  const auto [place, is_first] = members_.try_emplace(key);
  if (is_first) place->second = std::make_shared<Member>(key);
  const std::shared_ptr<Member> member = place->second;
  if (is_first) {
    Connected connected = co_await uninterrupted(access_.connect(share));
    if (connected) {
      member->share = std::move(*connected);
    } else {
      const ConnectError& failure = connected.error();
      member->error = told(failure.error);
      members_.erase(key);
      if (member->error != failure.error) {
        if (missing_.size() >= kMostMissing) missing_.clear();
        missing_[key] = {member->error, runtime_.now() + kMissingHolds};
      } else {
        spdlog::warn("{}: {}: {}", share, name_of(failure.step), failure.sentence);
      }
    }
    for (const auto& go_on : std::exchange(member->waiting, {})) go_on(true);
  } else if (!member->share) {
    auto wait = [&](auto done) { member->waiting.push_back(std::move(done)); };
    co_await callback<bool>(wait);
  }
  if (!member->share) co_return tl::make_unexpected(member->error);
  co_return member;
}

std::unique_ptr<Lease> ServerShare::make_lease(Lease::Holder& holder) { return std::make_unique<MemberLease>(holder); }

std::shared_ptr<DirectoryRight> ServerShare::ask_directory_right(std::string path, DirectoryRight::Holder& holder) {
  const Place place = place_of(path);
  const auto member = members_.find(folded(place.share));
  if (member == members_.end() || !member->second->share) return nullptr;
  return member->second->share->ask_directory_right(place.rest, holder);
}

Task<Result<Attributes>> ServerShare::stat(std::string path) {
  Place place = place_of(path);
  if (place.share.empty()) co_return root_;
  const auto same = [&](const std::string& shown) { return folded(shown) == folded(place.share); };
  if (place.rest.empty() && std::any_of(shown_.begin(), shown_.end(), same)) co_return folder_attributes(place.share);
  // Desktops look for files of theirs everywhere.
  if (place.rest.empty() && place.share.front() == '.') {
    co_return tl::make_unexpected(refused(NtStatus::STATUS_OBJECT_NAME_NOT_FOUND));
  }
  const auto member = co_await enter(place.share);
  if (!member) co_return tl::make_unexpected(member.error());
  if (place.rest.empty()) co_return folder_attributes(place.share);
  const Result<Attributes> attributes = co_await (*member)->share->stat(std::move(place.rest));
  if (!attributes) co_return tl::make_unexpected(attributes.error());
  co_return (*member)->ids.renumbered(*attributes);
}

Task<Result<OpenResult>> ServerShare::open(OpenRequest request) {
  Place place = place_of(request.path);
  const bool makes = request.disposition != Disposition::open && request.disposition != Disposition::truncate;
  if (place.rest.empty() && makes) co_return tl::make_unexpected(unchangeable());
  if (place.rest.empty()) co_return tl::make_unexpected(refused(NtStatus::STATUS_FILE_IS_A_DIRECTORY));
  const auto member = co_await enter(place.share);
  if (!member) co_return tl::make_unexpected(member.error());
  request.path = std::move(place.rest);
  request.lease = MemberLease::of(request.lease, *(*member)->share);
  Result<OpenResult> opened = co_await (*member)->share->open(std::move(request));
  if (!opened) co_return tl::make_unexpected(opened.error());
  opened->open = (*member)->ids.renumbered(std::move(opened->open));
  opened->attributes = (*member)->ids.renumbered(std::move(opened->attributes));
  co_return std::move(*opened);
}

Task<Result<std::unique_ptr<DirectoryStream>>> ServerShare::open_directory(std::string path) {
  Place place = place_of(path);
  if (place.share.empty()) {
    if (runtime_.now() - listed_at_ > kListHolds) {
      const Listed listed = co_await access_.list();
      if (!listed) {
        spdlog::warn("{}: {}", name_of(listed.error().step), listed.error().sentence);
        co_return tl::make_unexpected(listed.error().error);
      }
      take_list(*listed);
    }
    std::vector<DirectoryEntry> entries;
    for (const std::string& share : shown_) entries.push_back({share, folder_attributes(share)});
    co_return std::make_unique<SharesStream>(root_, std::move(entries));
  }
  const auto member = co_await enter(place.share);
  if (!member) co_return tl::make_unexpected(member.error());
  std::optional<Attributes> own;
  if (place.rest.empty()) own = folder_attributes(place.share);
  auto stream = co_await (*member)->share->open_directory(std::move(place.rest));
  if (!stream) co_return tl::make_unexpected(stream.error());
  co_return (*member)->ids.renumbered(std::move(*stream), std::move(own));
}

Task<Result<Attributes>> ServerShare::make_directory(std::string path, std::uint32_t mode) {
  Place place = place_of(path);
  if (place.rest.empty()) co_return tl::make_unexpected(unchangeable());
  const auto member = co_await enter(place.share);
  if (!member) co_return tl::make_unexpected(member.error());
  const Result<Attributes> made = co_await (*member)->share->make_directory(std::move(place.rest), mode);
  if (!made) co_return tl::make_unexpected(made.error());
  co_return (*member)->ids.renumbered(*made);
}

Task<Result<Attributes>> ServerShare::make_special(std::string path, PosixAttributes what) {
  Place place = place_of(path);
  if (place.rest.empty()) co_return tl::make_unexpected(unchangeable());
  const auto member = co_await enter(place.share);
  if (!member) co_return tl::make_unexpected(member.error());
  const Result<Attributes> made = co_await (*member)->share->make_special(std::move(place.rest), what);
  if (!made) co_return tl::make_unexpected(made.error());
  co_return (*member)->ids.renumbered(*made);
}

Task<Result<Attributes>> ServerShare::make_symlink(std::string path, std::string target) {
  Place place = place_of(path);
  if (place.rest.empty()) co_return tl::make_unexpected(unchangeable());
  const auto member = co_await enter(place.share);
  if (!member) co_return tl::make_unexpected(member.error());
  const Result<Attributes> made = co_await (*member)->share->make_symlink(std::move(place.rest), std::move(target));
  if (!made) co_return tl::make_unexpected(made.error());
  co_return (*member)->ids.renumbered(*made);
}

Task<std::error_code> ServerShare::remove_file(std::string path, RemoveHint hint) {
  Place place = place_of(path);
  if (place.rest.empty()) co_return unchangeable();
  const auto member = co_await enter(place.share);
  if (!member) co_return member.error();
  const std::error_code error = co_await (*member)->share->remove_file(std::move(place.rest), hint);
  co_return error;
}

Task<std::error_code> ServerShare::remove_directory(std::string path) {
  Place place = place_of(path);
  if (place.rest.empty()) co_return unchangeable();
  const auto member = co_await enter(place.share);
  if (!member) co_return member.error();
  const std::error_code error = co_await (*member)->share->remove_directory(std::move(place.rest));
  co_return error;
}

Task<std::error_code> ServerShare::set_attributes(std::string path, AttributeChanges changes) {
  Place place = place_of(path);
  if (place.rest.empty()) co_return unchangeable();
  const auto member = co_await enter(place.share);
  if (!member) co_return member.error();
  const std::error_code error = co_await (*member)->share->set_attributes(std::move(place.rest), changes);
  co_return error;
}

Task<std::error_code> ServerShare::rename(std::string from, std::string to, bool replace, Lease* lease) {
  Place source = place_of(from);
  Place target = place_of(to);
  if (source.rest.empty() || target.rest.empty()) co_return unchangeable();
  if (folded(source.share) != folded(target.share)) co_return refused(NtStatus::STATUS_NOT_SAME_DEVICE);
  const auto member = co_await enter(source.share);
  if (!member) co_return member.error();
  Share& share = *(*member)->share;
  Lease* const of_file = MemberLease::of(lease, share);
  const std::error_code error = co_await share.rename(std::move(source.rest), std::move(target.rest), replace, of_file);
  co_return error;
}

Task<std::error_code> ServerShare::link(std::string existing, std::string new_path) {
  Place source = place_of(existing);
  Place target = place_of(new_path);
  if (source.rest.empty() || target.rest.empty()) co_return unchangeable();
  if (folded(source.share) != folded(target.share)) co_return refused(NtStatus::STATUS_NOT_SAME_DEVICE);
  const auto member = co_await enter(source.share);
  if (!member) co_return member.error();
  const std::error_code error = co_await (*member)->share->link(std::move(source.rest), std::move(target.rest));
  co_return error;
}

Task<Result<FileSystemInfo>> ServerShare::file_system_info() {
  FileSystemInfo sum;
  sum.block_size = kBlock;
  const auto members = members_;  // it may grow meanwhile
  for (const auto& entry : members) {
    Share* const share = entry.second->share.get();
    if (share == nullptr) continue;
    const Result<FileSystemInfo> info = co_await share->file_system_info();
    if (!info) co_return tl::make_unexpected(info.error());
    sum.total_blocks += info->total_blocks * info->block_size / kBlock;
    sum.free_blocks += info->free_blocks * info->block_size / kBlock;
    sum.available_blocks += info->available_blocks * info->block_size / kBlock;
  }
  co_return sum;
}

Task<Result<PosixAcls>> ServerShare::posix_acls(std::string path) {
  Place place = place_of(path);
  if (place.rest.empty()) co_return tl::make_unexpected(refused(NtStatus::STATUS_NOT_SUPPORTED));
  const auto member = co_await enter(place.share);
  if (!member) co_return tl::make_unexpected(member.error());
  Result<PosixAcls> told = co_await (*member)->share->posix_acls(std::move(place.rest));
  co_return told;
}

FileTime ServerShare::now() const {
  for (const auto& [name, member] : members_) {
    if (member->share) return member->share->now();
  }
  return local_time_now();
}

bool ServerShare::is_hidden_name(const std::string& name) const { return is_removed_name(name); }

template <class Get>
std::uint32_t ServerShare::least(Get get) const {
  std::optional<std::uint32_t> found;
  for (const auto& [name, member] : members_) {
    if (member->share) found = std::min(found.value_or(get(*member->share)), get(*member->share));
  }
  return found.value_or(kIoBeforeConnecting);
}

bool ServerShare::has_posix_attributes() const {
  return std::any_of(members_.begin(), members_.end(), [](const auto& member) {
    return member.second->share != nullptr && member.second->share->has_posix_attributes();
  });
}

bool ServerShare::has_posix_acls() const {
  return std::any_of(members_.begin(), members_.end(), [](const auto& member) {
    return member.second->share != nullptr && member.second->share->has_posix_acls();
  });
}

std::uint32_t ServerShare::maximum_read() const {
  return least([](const Share& share) { return share.maximum_read(); });
}

std::uint32_t ServerShare::maximum_write() const {
  return least([](const Share& share) { return share.maximum_write(); });
}

ShareStatus ServerShare::status() const {
  std::optional<ShareStatus> sum;
  for (const auto& [name, member] : members_) {
    if (!member->share) continue;
    ShareStatus one = member->share->status();
    if (!sum) {
      sum = std::move(one);
    } else if (sum->connected && !one.connected) {
      add(one, *sum);
      sum = std::move(one);
    } else {
      add(*sum, one);
    }
  }
  if (!sum) {
    sum.emplace();
    sum->server = server_;
    sum->connected = true;
    sum->since = runtime_.now() - since_;
  }
  if (sum->connected) sum->share.clear();
  return std::move(*sum);
}

Task<tl::expected<std::unique_ptr<Share>, ConnectError>> connect_server(
    Runtime& runtime, Dialer& dialer, std::function<ConnectConfig(std::string share)> config_of) {
  ServerShare::Access access;
  access.list = [&runtime, &dialer, config_of] { return list_shares(runtime, dialer, config_of("")); };
  access.connect = [&runtime, &dialer, config_of](std::string share) {
    return connect_lasting(runtime, dialer, std::make_shared<const ConnectConfig>(config_of(std::move(share))));
  };
  const ServerShare::Listed listed = co_await access.list();
  if (!listed) co_return tl::make_unexpected(listed.error());
  std::string server = config_of("").server;
  co_return std::make_unique<ServerShare>(runtime, std::move(server), std::move(access), *listed);
}

}  // namespace smb3fuse::client
