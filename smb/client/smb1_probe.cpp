// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_probe.h"

#include <functional>
#include <memory>

#include "smb/wire/header.h"

namespace smb3fuse::client {
namespace {

constexpr auto kPatience = std::chrono::seconds(3);

// [MS-CIFS] 2.2.3.1 header, 2.2.4.52.1 SMB_COM_NEGOTIATE with the one dialect "NT LM 0.12".
constexpr std::uint8_t kNegotiate[] = {0xFF, 'S',  'M', 'B', 0x72,  // Command
                                       0,    0,    0,   0,          // Status
                                       0x18,                        // Flags: caseless, canonical paths
                                       0x01, 0xC8,  // Flags2: long names, extended security, NT status, Unicode
                                       0,    0,    0,   0,   0,    0,   0,   0,   0,   0,  // PIDHigh, SecurityFeatures
                                       0,    0,                                            // Reserved
                                       0xFF, 0xFF, 0,   0,   0,    0,   0,   0,            // TID, PIDLow, UID, MID
                                       0,                                                  // WordCount
                                       12,   0,                                            // ByteCount
                                       0x02, 'N',  'T', ' ', 'L',  'M', ' ', '0', '.', '1', '2', 0};

// The first frame that comes, or the loss.
class FirstFrame final : public TransportHandler {
 public:
  std::function<void(bool)> done;
  void handle_frame(cache::Buffer frame) override { finish(wire::protocol_id_of(frame) == wire::kSmb1ProtocolId); }
  void handle_lost(std::error_code) override { finish(false); }
  void finish(bool answer) {
    if (auto tell = std::exchange(done, nullptr)) tell(answer);
  }
};

}  // namespace

Task<bool> answers_smb1(Runtime& runtime, Dialer& dialer, std::string host, std::optional<std::uint16_t> port) {
  auto transport = co_await dialer.dial(std::move(host), port, kPatience);
  if (!transport) co_return false;
  FirstFrame first;
  const std::unique_ptr<Timer> timer = runtime.make_timer();
  auto ask = [&](auto done) {
    first.done = std::move(done);
    (*transport)->start(first);
    std::vector<OutgoingFrame> frames(1);
    frames[0].pieces = {kNegotiate};
    (*transport)->send(std::move(frames));
    timer->expire_at(runtime.now() + kPatience, [&first] { first.finish(false); });
  };
  const bool answer = co_await callback<bool>(ask);
  co_return answer;
}

}  // namespace smb3fuse::client
