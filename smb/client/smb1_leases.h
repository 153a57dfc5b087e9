// SPDX-License-Identifier: Apache-2.0
// Oplocks of one SMB1 tree: what was granted with an open, and what the server takes back. [MS-CIFS] 3.2.5.42
//
// An oplock belongs to one open, so a file has what the best of its opens has. A break may overtake the answer that
// grants what it takes. Acknowledgments go out when the holder says so, and without an open left the CLOSE says it:
// nothing is cheaper for the client that waits. Loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "smb/cifs/file.h"
#include "smb/client/runtime.h"
#include "smb/client/share.h"
#include "smb/client/share_status.h"

namespace smb3fuse::client {

class Smb1Lease;

// The one place where oplocks meet the engine's rights.
Rights rights_of(cifs::OplockLevel level);

class Smb1Leases {
 public:
  // `acknowledge` gives up what is more than level II, or all; `hurry` sends the CLOSEs that stand for it.
  using Acknowledge = std::function<void(std::uint16_t fid, bool keeps_level_ii)>;
  Smb1Leases(bool grants, std::function<TimePoint()> now, Acknowledge acknowledge, std::function<void()> hurry)
      : grants_(grants), now_(std::move(now)), acknowledge_(std::move(acknowledge)), hurry_(std::move(hurry)) {}

  bool grants() const { return grants_; }
  // Null where nothing is to be kept. The holder outlives it, and it is destroyed before this is.
  std::unique_ptr<Lease> make(Lease::Holder& holder);

  // An NT_CREATE_ANDX that asks for an oplock, and its answer: null if it failed. The open counts until
  // handle_closed().
  void begin_open() { ++opening_; }
  void end_open(Smb1Lease& lease, const cifs::NtCreateResponse* response);
  void handle_closed(std::uint16_t fid);

  // The message of a LOCKING_ANDX from the server.
  void handle_break(ByteView message);
  // Nothing that was granted holds any more.
  void handle_lost();

  // Others have wanted what was held here, a short while ago.
  bool is_contended() const;

  LeaseStatus held() const;
  const BreakStatus& breaks() const { return breaks_; }

 private:
  friend class Smb1Lease;
  void note_acknowledged(TimePoint received);

  const bool grants_;
  const std::function<TimePoint()> now_;
  const Acknowledge acknowledge_;
  const std::function<void()> hurry_;
  std::map<std::uint16_t, Smb1Lease*> by_fid_;
  std::vector<Smb1Lease*> leases_;
  std::size_t opening_ = 0;              // opens not answered yet, of all
  std::map<std::uint16_t, bool> early_;  // breaks of opens that they may have made: is level II left?
  std::optional<TimePoint> last_break_;
  BreakStatus breaks_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // whoever is done with a break may be late
};

class Smb1Lease final : public Lease {
 public:
  Smb1Lease(Smb1Leases& leases, Holder& holder);
  ~Smb1Lease() override;
  Smb1Lease(const Smb1Lease&) = delete;
  Smb1Lease& operator=(const Smb1Lease&) = delete;

  Rights rights() const override;

 private:
  friend class Smb1Leases;
  Smb1Leases& leases_;
  Holder& holder_;
  std::map<std::uint16_t, cifs::OplockLevel> opens_;
};

}  // namespace smb3fuse::client
