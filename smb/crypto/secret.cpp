// SPDX-License-Identifier: Apache-2.0
#include "smb/crypto/secret.h"

#include <openssl/crypto.h>

#include <cstring>
#include <utility>

#include "smb/crypto/openssl_ptr.h"

namespace smb3fuse::crypto {
namespace {

// Some hundred secrets of a page's fraction each; what does not fit goes to ordinary memory. Well below the usual
// RLIMIT_MEMLOCK of an unprivileged process (8 MiB; 64 KiB before Linux 5.16).
constexpr std::size_t kSecureHeapSize = 32 * 1024;
constexpr std::size_t kSmallestPiece = 16;

std::uint8_t* allocate(std::size_t size) {
  // Without a secure heap OpenSSL's functions of that name use its ordinary one.
  [[maybe_unused]] static const bool initialised =
      CRYPTO_secure_malloc_initialized() == 1 || CRYPTO_secure_malloc_init(kSecureHeapSize, kSmallestPiece) != 0;
  if (size == 0) return nullptr;
  void* memory = OPENSSL_secure_zalloc(size);
  if (memory == nullptr) memory = OPENSSL_zalloc(size);
  ensure(memory != nullptr);
  return static_cast<std::uint8_t*>(memory);
}

}  // namespace

Secret::Secret(std::size_t size) : data_(allocate(size)), size_(size) {}

Secret::Secret(ByteView bytes) : Secret(bytes.size()) {
  if (!bytes.empty()) std::memcpy(data_, bytes.data(), bytes.size());
}

Secret::Secret(std::string_view text) : Secret(text.size()) {
  if (!text.empty()) std::memcpy(data_, text.data(), text.size());
}

Secret Secret::take(std::string& text) {
  Secret secret{std::string_view(text)};
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

// Frees what lies in the ordinary heap, too, and wipes it as well.
Secret::~Secret() { OPENSSL_secure_clear_free(data_, size_); }

std::string_view Secret::text() const { return {reinterpret_cast<const char*>(data_), size_}; }

void wipe(std::span<std::uint8_t> bytes) noexcept { OPENSSL_cleanse(bytes.data(), bytes.size()); }

bool equal_in_constant_time(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace smb3fuse::crypto
