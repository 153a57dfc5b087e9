// SPDX-License-Identifier: Apache-2.0
#include "smb/smb1/signing.h"

#include <algorithm>
#include <vector>

#include "smb/wire/endian.h"

namespace smb3fuse::smb1 {

tl::expected<Signer, std::error_code> Signer::create(ByteView key) {
  const auto algorithms = crypto::LegacyAlgorithms::load();
  if (!algorithms) return tl::make_unexpected(algorithms.error());
  return Signer(**algorithms, key);
}

Signature Signer::sign(std::uint32_t sequence_number, std::span<const ByteView> message) const {
  Signature number{};
  wire::store_le(number.data(), sequence_number);
  const ByteView head = message.front();
  std::vector<ByteView> pieces = {key_.view(), head.first(cifs::kSecurityFeaturesOffset), number,
                                  head.subspan(cifs::kSecurityFeaturesOffset + number.size())};
  pieces.insert(pieces.end(), message.begin() + 1, message.end());
  const crypto::Md5Digest digest = algorithms_->md5(pieces);
  Signature signature;
  std::copy_n(digest.begin(), signature.size(), signature.begin());
  return signature;
}

bool Signer::verify(std::uint32_t sequence_number, ByteView message) const {
  const ByteView pieces[] = {message};
  const Signature expected = sign(sequence_number, pieces);
  return crypto::equal_in_constant_time(expected, message.subspan(cifs::kSecurityFeaturesOffset, expected.size()));
}

}  // namespace smb3fuse::smb1
