// SPDX-License-Identifier: Apache-2.0
#include "smb/smb2/session.h"

#include <algorithm>

#include "smb/crypto/keys.h"
#include "smb/wire/codec.h"
#include "smb/wire/transform.h"

namespace smb3fuse::smb2 {
namespace {

constexpr std::size_t kSignatureSize = 16;

crypto::SignedMessage signed_message(const wire::Smb2Header& header) {
  return {header.message_id, header.is_response(), header.command == wire::Command::cancel};
}

crypto::SessionKeys derive(const Negotiated& negotiated, ByteView key, const crypto::Sha512Digest& preauth) {
  if (negotiated.dialect >= 0x0311) {
    return crypto::derive_keys_311(key, preauth, negotiated.cipher.value_or(crypto::Cipher::aes_128_gcm));
  }
  return negotiated.dialect >= 0x0300 ? crypto::derive_keys_30(key) : crypto::derive_keys_2x(key);
}

}  // namespace

void Session::note_outgoing(wire::Command command, ByteView message) {
  if (established_) return;
  if (command == wire::Command::negotiate) connection_preauth_.update(message);
  if (command != wire::Command::session_setup) return;
  if (!session_preauth_) session_preauth_ = connection_preauth_;
  session_preauth_->update(message);
}

void Session::note_incoming(const wire::Smb2Header& header, ByteView message) {
  if (established_) return;
  if (header.command == wire::Command::negotiate) connection_preauth_.update(message);
  if (header.command != wire::Command::session_setup || !session_preauth_) return;
  id_ = header.session_id;
  if (header.status == NtStatus::STATUS_MORE_PROCESSING_REQUIRED) session_preauth_->update(message);
}

bool Session::establish(SessionPolicy policy, ByteView session_key, ByteView last_response) {
  if (established_) return !policy_.sign || verify(last_response);
  policy_ = policy;
  if (!policy.keyless) {
    const crypto::SessionKeys keys = derive(negotiated_, session_key, session_preauth_->value());
    auto signer = crypto::Signer::create(negotiated_.signing, keys.signing.view());
    if (!signer) return false;
    signer_ = std::move(*signer);
    if (negotiated_.cipher) {
      auto sealer =
          crypto::Sealer::create(*negotiated_.cipher, keys.encryption.view(), crypto::Sealer::Direction::seal);
      auto opener =
          crypto::Sealer::create(*negotiated_.cipher, keys.decryption.view(), crypto::Sealer::Direction::open);
      if (!sealer || !opener) return false;
      sealer_ = std::move(*sealer);
      opener_ = std::move(*opener);
    }
    // Servers sign the last response of a session that has a key, 3.3.5.5.3. Where nobody demands signing, before
    // 3.1.1, one that does not is let pass. 3.2.5.3.1
    const bool is_signed = (wire::load_le<std::uint32_t>(last_response.data() + 16) & wire::SMB2_FLAGS_SIGNED) != 0;
    const bool must_be_signed = policy.sign || negotiated_.dialect >= 0x0311;
    if ((is_signed || must_be_signed) && !verify(last_response)) return false;
  }
  established_ = true;
  return true;
}

void Session::sign(std::span<std::uint8_t> head, std::span<const ByteView> rest) {
  const auto header = wire::decode<wire::Smb2Header>(head.first(wire::kSmb2HeaderSize));
  std::vector<ByteView> pieces{head};
  pieces.insert(pieces.end(), rest.begin(), rest.end());
  const crypto::Signature signature = signer_->sign(signed_message(*header), pieces);
  std::copy(signature.begin(), signature.end(), head.begin() + wire::kSmb2SignatureOffset);
}

bool Session::verify(ByteView message) {
  const auto header = wire::decode<wire::Smb2Header>(message.first(wire::kSmb2HeaderSize));
  if (!signer_ || !header || !header->is_signed()) return false;
  crypto::Signature signature;
  std::copy_n(message.begin() + wire::kSmb2SignatureOffset, kSignatureSize, signature.begin());
  const ByteView pieces[] = {message.first(wire::kSmb2SignatureOffset), crypto::kZeroSignature,
                             message.subspan(wire::kSmb2SignatureOffset + kSignatureSize)};
  return signer_->verify(signed_message(*header), pieces, signature);
}

Bytes Session::seal(const std::vector<ByteView>& pieces) {
  wire::TransformHeader header;
  header.session_id = id_;
  header.nonce = nonces_.next();
  for (const ByteView piece : pieces) header.original_message_size += static_cast<std::uint32_t>(piece.size());

  Bytes sealed;
  sealed.reserve(wire::kTransformHeaderSize + header.original_message_size);
  wire::encode_to(sealed, header);
  sealed.resize(wire::kTransformHeaderSize + header.original_message_size);
  const ByteView associated =
      ByteView(sealed).subspan(wire::kTransformAadOffset, wire::kTransformHeaderSize - wire::kTransformAadOffset);
  const crypto::Tag tag = sealer_->seal(header.nonce, associated, pieces,
                                        std::span<std::uint8_t>(sealed).subspan(wire::kTransformHeaderSize));
  std::copy(tag.begin(), tag.end(), sealed.begin() + 4);
  return sealed;
}

std::optional<std::span<std::uint8_t>> Session::open(std::span<std::uint8_t> sealed) {
  if (!opener_ || sealed.size() < wire::kTransformHeaderSize) return std::nullopt;
  const auto header = wire::decode<wire::TransformHeader>(ByteView(sealed).first(wire::kTransformHeaderSize));
  const auto plain = sealed.subspan(wire::kTransformHeaderSize);
  if (!header || header->session_id != id_ || header->original_message_size != plain.size()) return std::nullopt;
  const ByteView associated =
      ByteView(sealed).subspan(wire::kTransformAadOffset, wire::kTransformHeaderSize - wire::kTransformAadOffset);
  if (!opener_->open(header->nonce, associated, plain, header->signature)) return std::nullopt;
  return plain;
}

}  // namespace smb3fuse::smb2
