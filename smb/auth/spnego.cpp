// SPDX-License-Identifier: Apache-2.0
#include "smb/auth/spnego.h"

#include <algorithm>
#include <initializer_list>

#include "smb/auth/error.h"

namespace smb3fuse::auth {
namespace {

constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kObjectIdentifier = 0x06;
constexpr std::uint8_t kEnumerated = 0x0a;
constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kInitialContextToken = 0x60;  // RFC 2743 3.1

constexpr std::uint8_t context(unsigned number) { return static_cast<std::uint8_t>(0xa0 + number); }

constexpr std::array<std::uint8_t, 6> kOidSpnego = {0x2b, 6, 1, 5, 5, 2};

// A security buffer has a 16-bit length, so no element needs more.
constexpr std::size_t kMaxLengthOctets = 2;

// Takes elements off the front of some DER. After a failure it has nothing left, and fails for good.
class DerReader {
 public:
  explicit DerReader(ByteView bytes) : rest_(bytes) {}

  bool at(std::uint8_t tag) const { return !failed_ && !rest_.empty() && rest_[0] == tag; }

  // The contents of the next element, which has to have this tag.
  ByteView take(std::uint8_t tag) {
    if (!at(tag) || rest_.size() < 2) return fail();
    std::size_t header = 2;
    std::size_t length = rest_[1];
    if (length >= 0x80) {
      const std::size_t octets = length - 0x80;
      if (octets == 0 || octets > kMaxLengthOctets || rest_.size() < header + octets) return fail();
      length = 0;
      for (std::size_t i = 0; i < octets; ++i) length = length << 8 | rest_[header + i];
      header += octets;
      if (length < (octets == 1 ? 0x80u : 0x100u)) return fail();  // not the shortest form
    }
    if (rest_.size() - header < length) return fail();
    const ByteView contents = rest_.subspan(header, length);
    rest_ = rest_.subspan(header + length);
    return contents;
  }

  // The contents of the one element that the next element, `outer`, holds.
  ByteView take_only(std::uint8_t outer, std::uint8_t inner) {
    DerReader holder(take(outer));
    const ByteView contents = holder.take(inner);
    if (!holder.at_end()) return fail();
    return contents;
  }

  bool empty() const { return rest_.empty(); }
  bool at_end() const { return !failed_ && rest_.empty(); }

  ByteView fail() {
    failed_ = true;
    rest_ = {};
    return {};
  }

 private:
  ByteView rest_;
  bool failed_ = false;
};

tl::unexpected<std::error_code> malformed() { return tl::unexpected(make_error_code(AuthError::malformed_spnego)); }

// An optional [number] OCTET STRING.
ByteView take_octets(DerReader& fields, unsigned number) {
  return fields.at(context(number)) ? fields.take_only(context(number), kOctetString) : ByteView();
}

Bytes element(std::uint8_t tag, std::initializer_list<ByteView> parts) {
  std::size_t length = 0;
  for (const ByteView part : parts) length += part.size();
  Bytes out = {tag};
  if (length >= 0x100) {
    out.insert(out.end(), {0x82, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)});
  } else if (length >= 0x80) {
    out.insert(out.end(), {0x81, static_cast<std::uint8_t>(length)});
  } else {
    out.push_back(static_cast<std::uint8_t>(length));
  }
  for (const ByteView part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Bytes optional_element(unsigned number, std::uint8_t tag, ByteView contents) {
  return contents.empty() ? Bytes() : element(context(number), {element(tag, {contents})});
}

}  // namespace

bool NegTokenInit::offers(ByteView mechanism) const {
  return std::ranges::any_of(mech_types, [&](ByteView type) { return std::ranges::equal(type, mechanism); });
}

tl::expected<NegTokenInit, std::error_code> parse_neg_token_init(ByteView token) {
  DerReader outer(token);
  DerReader framed(outer.take(kInitialContextToken));
  if (!outer.at_end() || !std::ranges::equal(framed.take(kObjectIdentifier), kOidSpnego)) return malformed();
  DerReader fields(framed.take_only(context(0), kSequence));
  if (!framed.at_end()) return malformed();

  NegTokenInit init;
  if (fields.at(context(0))) {
    DerReader types(fields.take_only(context(0), kSequence));
    while (!types.empty()) {
      if (init.mech_types.size() == kMaxMechanisms) return malformed();
      init.mech_types.push_back(types.take(kObjectIdentifier));
    }
    if (!types.at_end()) return malformed();
  }
  if (fields.at(context(1))) fields.take(context(1));  // reqFlags, which RFC 4178 has no more use for
  init.mech_token = take_octets(fields, 2);
  // [3] is mechListMIC in RFC 4178, but negHints in [MS-SPNG], which moves mechListMIC to [4].
  if (fields.at(context(3))) {
    DerReader third(fields.take(context(3)));
    if (third.at(kSequence)) {
      third.take(kSequence);
    } else {
      init.mech_list_mic = third.take(kOctetString);
    }
    if (!third.at_end()) return malformed();
  }
  if (init.mech_list_mic.empty()) init.mech_list_mic = take_octets(fields, 4);
  if (!fields.at_end()) return malformed();
  return init;
}

tl::expected<NegTokenResp, std::error_code> parse_neg_token_resp(ByteView token) {
  DerReader outer(token);
  DerReader fields(outer.take_only(context(1), kSequence));
  if (!outer.at_end()) return malformed();

  NegTokenResp resp;
  if (fields.at(context(0))) {
    const ByteView state = fields.take_only(context(0), kEnumerated);
    if (state.size() != 1 || state[0] > static_cast<std::uint8_t>(NegState::request_mic)) return malformed();
    resp.neg_state = static_cast<NegState>(state[0]);
  }
  if (fields.at(context(1))) resp.supported_mech = fields.take_only(context(1), kObjectIdentifier);
  resp.response_token = take_octets(fields, 2);
  resp.mech_list_mic = take_octets(fields, 3);
  if (!fields.at_end()) return malformed();
  return resp;
}

Bytes encode_mech_type_list(std::span<const ByteView> mech_types) {
  Bytes types;
  for (const ByteView type : mech_types) {
    const Bytes one = element(kObjectIdentifier, {type});
    types.insert(types.end(), one.begin(), one.end());
  }
  return element(kSequence, {types});
}

Bytes encode_neg_token_init(const NegTokenInit& token) {
  const Bytes types = element(context(0), {encode_mech_type_list(token.mech_types)});
  const Bytes fields = element(kSequence, {types, optional_element(2, kOctetString, token.mech_token),
                                           optional_element(3, kOctetString, token.mech_list_mic)});
  return element(kInitialContextToken, {element(kObjectIdentifier, {kOidSpnego}), element(context(0), {fields})});
}

Bytes encode_neg_token_resp(const NegTokenResp& token) {
  Bytes state;
  if (token.neg_state) {
    const std::uint8_t value[] = {static_cast<std::uint8_t>(*token.neg_state)};
    state = optional_element(0, kEnumerated, value);
  }
  const Bytes fields = element(kSequence, {state, optional_element(1, kObjectIdentifier, token.supported_mech),
                                           optional_element(2, kOctetString, token.response_token),
                                           optional_element(3, kOctetString, token.mech_list_mic)});
  return element(context(1), {fields});
}

}  // namespace smb3fuse::auth
