// SPDX-License-Identifier: Apache-2.0
// TRANSACTION2 and NT_TRANSACT, whole, in several messages ("secondary"), and put together again.
// [MS-CIFS] 2.2.4.46, 2.2.4.47, 2.2.4.62, 2.2.4.63
#pragma once

#include <cstdint>
#include <vector>

#include "smb/cifs/block.h"
#include "smb/cifs/text.h"

namespace smb3fuse::cifs {

// [MS-CIFS] 2.2.4.46.1. Parameters and data stand at multiples of 4.
struct Transaction2Request {
  static constexpr Command kCode = Command::transaction2;
  static constexpr std::uint8_t kWords = 15;
  std::uint16_t total_parameter_count = 0;
  std::uint16_t total_data_count = 0;
  std::uint16_t max_parameter_count = 0;
  std::uint16_t max_data_count = 0;
  std::uint8_t max_setup_count = 0;
  std::uint16_t flags = 0;
  std::uint32_t timeout = 0;
  std::uint16_t subcommand = 0;  // Setup[0]
  ByteView parameters;
  ByteView data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("total_parameter_count", m.total_parameter_count);
    a.field("total_data_count", m.total_data_count);
    a.field("max_parameter_count", m.max_parameter_count);
    a.field("max_data_count", m.max_data_count);
    a.field("max_setup_count", m.max_setup_count);
    a.template reserved<std::uint8_t>();
    a.field("flags", m.flags);
    a.field("timeout", m.timeout);
    a.template reserved<std::uint16_t>();
    a.template length_of<std::uint16_t>("parameter_count", m.parameters);
    a.template offset_of<std::uint16_t>("parameter_offset", m.parameters);
    a.template length_of<std::uint16_t>("data_count", m.data);
    a.template offset_of<std::uint16_t>("data_offset", m.data);
    std::uint16_t setup_count = 1;
    a.field("setup_count", setup_count);  // and a reserved byte
    a.field("subcommand", m.subcommand);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.template reserved<std::uint8_t>();  // Name: none
    a.template data<4>("parameters", m.parameters);
    a.template optional_data<4>("data", m.data);
  }
};

// [MS-CIFS] 2.2.4.47.1
struct Transaction2SecondaryRequest {
  static constexpr Command kCode = Command::transaction2_secondary;
  static constexpr std::uint8_t kWords = 9;
  std::uint16_t total_parameter_count = 0;
  std::uint16_t total_data_count = 0;
  std::uint16_t parameter_displacement = 0;
  std::uint16_t data_displacement = 0;
  std::uint16_t fid = kNoId;
  ByteView parameters;
  ByteView data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("total_parameter_count", m.total_parameter_count);
    a.field("total_data_count", m.total_data_count);
    a.template length_of<std::uint16_t>("parameter_count", m.parameters);
    a.template offset_of<std::uint16_t>("parameter_offset", m.parameters);
    a.field("parameter_displacement", m.parameter_displacement);
    a.template length_of<std::uint16_t>("data_count", m.data);
    a.template offset_of<std::uint16_t>("data_offset", m.data);
    a.field("data_displacement", m.data_displacement);
    a.field("fid", m.fid);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.template optional_data<4>("parameters", m.parameters);
    a.template optional_data<4>("data", m.data);
  }
};

// [MS-CIFS] 2.2.4.46.2
struct Transaction2Response {
  static constexpr Command kCode = Command::transaction2;
  static constexpr std::uint8_t kMinimumWords = 10;
  std::uint16_t total_parameter_count = 0;
  std::uint16_t total_data_count = 0;
  std::uint16_t parameter_displacement = 0;
  std::uint16_t data_displacement = 0;
  ByteView parameters;
  ByteView data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("total_parameter_count", m.total_parameter_count);
    a.field("total_data_count", m.total_data_count);
    a.template reserved<std::uint16_t>();
    a.template length_of<std::uint16_t>("parameter_count", m.parameters);
    a.template offset_of<std::uint16_t>("parameter_offset", m.parameters);
    a.field("parameter_displacement", m.parameter_displacement);
    a.template length_of<std::uint16_t>("data_count", m.data);
    a.template offset_of<std::uint16_t>("data_offset", m.data);
    a.field("data_displacement", m.data_displacement);
    a.template reserved<std::uint16_t>();  // SetupCount: nothing that we ask for has any in its answer
    a.template reserved<std::uint16_t>();  // ByteCount
    a.template data<4>("parameters", m.parameters);
    a.template data<4>("data", m.data);
  }
};

// [MS-CIFS] 2.2.4.33.1, as remote administration has it: without setup and data.
struct TransactionRequest {
  static constexpr Command kCode = Command::transaction;
  static constexpr std::uint8_t kWords = 14;
  std::uint16_t total_parameter_count = 0;
  std::uint16_t max_parameter_count = 0;
  std::uint16_t max_data_count = 0;
  Text name;  // of the pipe
  ByteView parameters;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("total_parameter_count", m.total_parameter_count);
    a.template reserved<std::uint16_t>();  // TotalDataCount
    a.field("max_parameter_count", m.max_parameter_count);
    a.field("max_data_count", m.max_data_count);
    a.template reserved<std::uint16_t>();  // MaxSetupCount
    a.template reserved<std::uint16_t>();  // Flags
    a.template reserved<std::uint32_t>();  // Timeout
    a.template reserved<std::uint16_t>();
    a.template length_of<std::uint16_t>("parameter_count", m.parameters);
    a.template offset_of<std::uint16_t>("parameter_offset", m.parameters);
    a.template reserved<std::uint32_t>();  // DataCount, DataOffset
    a.template reserved<std::uint16_t>();  // SetupCount
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.nested("name", m.name);
    a.template data<4>("parameters", m.parameters);
  }
};

// [MS-CIFS] 2.2.4.33.2
struct TransactionResponse : Transaction2Response {
  static constexpr Command kCode = Command::transaction;
};

// [MS-CIFS] 2.2.4.62.1, with a setup of four words: that of NT_TRANSACT_IOCTL and NT_TRANSACT_NOTIFY_CHANGE.
struct NtTransactRequest {
  static constexpr Command kCode = Command::nt_transact;
  static constexpr std::uint8_t kWords = 23;
  std::uint8_t max_setup_count = 0;
  std::uint32_t total_parameter_count = 0;
  std::uint32_t total_data_count = 0;
  std::uint32_t max_parameter_count = 0;
  std::uint32_t max_data_count = 0;
  std::uint16_t function = 0;
  std::uint64_t setup = 0;
  ByteView parameters;
  ByteView data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("max_setup_count", m.max_setup_count);
    a.template reserved<std::uint16_t>();
    a.field("total_parameter_count", m.total_parameter_count);
    a.field("total_data_count", m.total_data_count);
    a.field("max_parameter_count", m.max_parameter_count);
    a.field("max_data_count", m.max_data_count);
    a.template length_of<std::uint32_t>("parameter_count", m.parameters);
    a.template offset_of<std::uint32_t>("parameter_offset", m.parameters);
    a.template length_of<std::uint32_t>("data_count", m.data);
    a.template offset_of<std::uint32_t>("data_offset", m.data);
    std::uint8_t setup_count = 4;
    a.field("setup_count", setup_count);
    a.field("function", m.function);
    a.field("setup", m.setup);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.template optional_data<4>("parameters", m.parameters);
    a.template optional_data<4>("data", m.data);
  }
};

// [MS-CIFS] 2.2.4.62.2
struct NtTransactResponse {
  static constexpr Command kCode = Command::nt_transact;
  static constexpr std::uint8_t kMinimumWords = 18;
  std::uint32_t total_parameter_count = 0;
  std::uint32_t total_data_count = 0;
  std::uint32_t parameter_displacement = 0;
  std::uint32_t data_displacement = 0;
  ByteView parameters;
  ByteView data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template reserved<std::uint8_t>();
    a.template reserved<std::uint16_t>();
    a.field("total_parameter_count", m.total_parameter_count);
    a.field("total_data_count", m.total_data_count);
    a.template length_of<std::uint32_t>("parameter_count", m.parameters);
    a.template offset_of<std::uint32_t>("parameter_offset", m.parameters);
    a.field("parameter_displacement", m.parameter_displacement);
    a.template length_of<std::uint32_t>("data_count", m.data);
    a.template offset_of<std::uint32_t>("data_offset", m.data);
    a.field("data_displacement", m.data_displacement);
    a.template reserved<std::uint8_t>();   // SetupCount
    a.template reserved<std::uint16_t>();  // Setup, or ByteCount
    a.template data<4>("parameters", m.parameters);
    a.template data<4>("data", m.data);
  }
};

// What one message of a transaction's answer has of it.
struct TransactionPart {
  std::size_t total_parameters = 0;
  std::size_t total_data = 0;
  std::size_t parameters_at = 0;
  std::size_t data_at = 0;
  ByteView parameters;
  ByteView data;

  bool is_whole() const { return parameters.size() == total_parameters && data.size() == total_data; }
};

tl::expected<TransactionPart, wire::DecodeError> decode_transaction(const Block& block);

// An answer that comes in several messages. Its size is what the first one said, and parts do not overlap.
class TransactionAssembly {
 public:
  // We never ask for as much.
  static constexpr std::size_t kMaximum = std::size_t{1} << 20;

  // False: it contradicts the others.
  [[nodiscard]] bool add(const TransactionPart& part);
  bool is_complete() const { return missing_ == 0; }
  ByteView parameters() const { return ByteView(bytes_).first(total_parameters_); }
  ByteView data() const { return ByteView(bytes_).subspan(total_parameters_); }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
  std::vector<bool> known_;
  std::size_t total_parameters_ = 0;
  std::size_t missing_ = 0;
  bool begun_ = false;
};

// A TRANSACTION2 as messages of at most `limit` bytes: the first, and its secondaries.
struct Transaction2Messages {
  Bytes first;
  std::vector<Bytes> secondaries;
};
Transaction2Messages make_transaction2(Transaction2Request request, ByteView parameters, ByteView data,
                                       std::size_t limit);

}  // namespace smb3fuse::cifs
