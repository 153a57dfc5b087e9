// SPDX-License-Identifier: Apache-2.0
#include "smb/cifs/transaction.h"

#include <algorithm>

namespace smb3fuse::cifs {
namespace {

// Header, words and padding of either message.
constexpr std::size_t kOverhead = 80;

template <class Response>
tl::expected<TransactionPart, wire::DecodeError> part_of(const Block& block) {
  const auto response = decode<Response>(block);
  if (!response) return tl::make_unexpected(response.error());
  return TransactionPart{response->total_parameter_count, response->total_data_count, response->parameter_displacement,
                         response->data_displacement,     response->parameters,       response->data};
}

}  // namespace

tl::expected<TransactionPart, wire::DecodeError> decode_transaction(const Block& block) {
  switch (block.command) {
    case Command::nt_transact:
      return part_of<NtTransactResponse>(block);
    case Command::transaction:
      return part_of<TransactionResponse>(block);
    default:
      return part_of<Transaction2Response>(block);
  }
}

bool TransactionAssembly::add(const TransactionPart& part) {
  if (!begun_) {
    if (part.total_parameters > kMaximum || part.total_data > kMaximum) return false;
    begun_ = true;
    total_parameters_ = part.total_parameters;
    bytes_.resize(part.total_parameters + part.total_data);
    known_.resize(bytes_.size());
    missing_ = bytes_.size();
  }
  // [MS-CIFS] 3.2.5.1.2: the totals may shrink on the way. No server was seen to do that, and it is not believed here.
  if (part.total_parameters + part.total_data != bytes_.size() || part.total_parameters != total_parameters_)
    return false;
  const auto take = [&](ByteView bytes, std::size_t at, std::size_t end) {
    if (at > end || bytes.size() > end - at) return false;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (known_[at + i]) return false;
      known_[at + i] = true;
      bytes_[at + i] = bytes[i];
    }
    missing_ -= bytes.size();
    return true;
  };
  return take(part.parameters, part.parameters_at, total_parameters_) &&
         take(part.data, total_parameters_ + part.data_at, bytes_.size());
}

Transaction2Messages make_transaction2(Transaction2Request request, ByteView parameters, ByteView data,
                                       std::size_t limit) {
  std::size_t parameters_sent = 0;
  std::size_t data_sent = 0;
  const auto next = [&](ByteView& some_parameters, ByteView& some_data) {
    std::size_t room = std::max(limit, kOverhead + 64) - kOverhead;
    some_parameters = parameters.subspan(parameters_sent, std::min(room, parameters.size() - parameters_sent));
    room -= some_parameters.size();
    some_data = data.subspan(data_sent, std::min(room, data.size() - data_sent));
    parameters_sent += some_parameters.size();
    data_sent += some_data.size();
  };
  Transaction2Messages messages;
  request.total_parameter_count = static_cast<std::uint16_t>(parameters.size());
  request.total_data_count = static_cast<std::uint16_t>(data.size());
  next(request.parameters, request.data);
  messages.first = MessageBuilder().add(request).take();
  while (parameters_sent < parameters.size() || data_sent < data.size()) {
    Transaction2SecondaryRequest more;
    more.total_parameter_count = request.total_parameter_count;
    more.total_data_count = request.total_data_count;
    more.parameter_displacement = static_cast<std::uint16_t>(parameters_sent);
    more.data_displacement = static_cast<std::uint16_t>(data_sent);
    next(more.parameters, more.data);
    messages.secondaries.push_back(MessageBuilder().add(more).take());
  }
  return messages;
}

}  // namespace smb3fuse::cifs
