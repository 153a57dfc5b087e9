// SPDX-License-Identifier: Apache-2.0
// Leases and oplocks of one tree: what is asked for with a CREATE, what was granted, and what the server takes back.
// [MS-SMB2] 3.2.5.7.5, 3.2.5.19
//
// A lease belongs to a file, whatever opens there are of it; an oplock to one open, so a file has what the best of its
// opens has. A break may overtake the CREATE response that grants what it takes: both are put in order, by the epoch
// where there is one. Acknowledgments go out when the holder says so. Loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "smb/client/runtime.h"
#include "smb/client/share.h"
#include "smb/client/share_status.h"
#include "smb/client/smb2_requests.h"
#include "smb/smb2/connection.h"

namespace smb3fuse::client {

class Smb2Lease;

// How a connection grants rights.
enum class LeaseKind : std::uint8_t { none, oplock, lease, lease_v2 };

// What the server offers, as far as we may take it.
LeaseKind lease_kind_of(const smb2::Negotiated& negotiated);

class Smb2Leases {
 public:
  using Send = std::function<void(smb2::Outgoing)>;

  // `send` is for acknowledgments, whose answers nobody waits for; `hurry` for CLOSEs that stand for one.
  Smb2Leases(LeaseKind kind, const Smb2Requests& requests, std::function<TimePoint()> now, Send send,
             std::function<void()> hurry)
      : kind_(kind), requests_(requests), now_(std::move(now)), send_(std::move(send)), hurry_(std::move(hurry)) {}

  LeaseKind kind() const { return kind_; }
  // Null where the server grants nothing. The holder outlives it, and it is destroyed before this is.
  std::unique_ptr<Lease> make(Lease::Holder& holder);

  enum class Wanted : std::uint8_t {
    all,    // as much as the server gives
    kept,   // what is held, so that an open of our own does not break it
    names,  // of a directory: to read and to keep the handle
  };
  // A CREATE that asks for rights of `lease`, and its answer: null if it failed. The open counts until handle_closed().
  void begin_open(Smb2Lease& lease, CreateParameters& parameters, Wanted wanted);
  // Of a directory that we have a lease of, at this path: changes of ours below it name its key, and so do not break
  // it. [MS-SMB2] 3.2.4.3.8
  void add_directory(const std::u16string& path, const Smb2Lease& lease);
  void remove_directory(const std::u16string& path, const Smb2Lease& lease);
  // For a CREATE without rights of its own that is about to change what is in a directory.
  void name_parent(CreateParameters& parameters) const;
  void end_open(Smb2Lease& lease, const wire::CreateResponse* response);
  void handle_closed(wire::FileId file);

  // The body of an OPLOCK_BREAK notification.
  void handle_break(ByteView body);
  // Nothing that was granted holds any more.
  void handle_lost();

  LeaseStatus held() const;
  const BreakStatus& breaks() const { return breaks_; }

 private:
  friend class Smb2Lease;
  void note_acknowledged(TimePoint received);
  const Smb2Lease* parent_of(const std::u16string& path) const;
  static void set_parent(wire::CreateLeaseV2& context, const Smb2Lease* parent);
  void note_opened(Smb2Lease& lease, const wire::CreateResponse& response);
  void handle_lease_break(const wire::LeaseBreakNotification& notification);
  void handle_oplock_break(const wire::OplockBreak& notification);

  const LeaseKind kind_;
  const Smb2Requests requests_;
  const std::function<TimePoint()> now_;
  const Send send_;
  const std::function<void()> hurry_;
  std::map<wire::LeaseKey, Smb2Lease*> by_key_;
  std::map<wire::FileId, Smb2Lease*> by_file_;
  std::map<std::u16string, const Smb2Lease*> directories_;  // by path
  std::size_t opening_ = 0;                                 // CREATEs not answered yet, of all
  std::vector<wire::OplockBreak> early_;                    // of opens that they may have made
  BreakStatus breaks_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // whoever is done with a break may be late
};

class Smb2Lease final : public Lease {
 public:
  Smb2Lease(Smb2Leases& leases, Holder& holder);
  ~Smb2Lease() override;
  Smb2Lease(const Smb2Lease&) = delete;
  Smb2Lease& operator=(const Smb2Lease&) = delete;

  Rights rights() const override;

 private:
  friend class Smb2Leases;
  bool in_use() const { return opening_ > 0 || !opens_.empty(); }
  void begin_anew();
  void take_state(std::uint32_t granted, std::optional<std::uint16_t> epoch);
  void settle();                  // after an answer, a CLOSE or an acknowledgment
  std::uint32_t granted() const;  // LeaseState bits, by the lease or by the best oplock

  Smb2Leases& leases_;
  Holder& holder_;
  wire::LeaseKey key_;
  std::uint32_t state_ = wire::SMB2_LEASE_NONE;  // of the lease
  std::optional<std::uint16_t> epoch_;           // as it was told last
  std::size_t opening_ = 0;                      // CREATEs not answered yet
  std::size_t giving_up_ = 0;                    // breaks that the holder is not done with
  std::uint32_t broken_to_ = ~0U;                // by these, and by those since the oldest of the CREATEs was sent
  std::map<wire::FileId, wire::OplockLevel> opens_;
};

}  // namespace smb3fuse::client
