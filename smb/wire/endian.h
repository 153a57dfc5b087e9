// SPDX-License-Identifier: Apache-2.0
// Little-endian loads and stores, for integers, enumerations and bool. The caller has checked that the bytes exist.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace smb3fuse::wire {

template <class T>
concept Scalar = std::integral<T> || std::is_enum_v<T>;

namespace detail {

template <class T>
struct WireInteger {
  using type = std::make_unsigned_t<T>;
};
template <>
struct WireInteger<bool> {
  using type = std::uint8_t;
};
template <class T>
requires std::is_enum_v<T>
struct WireInteger<T> {
  using type = std::make_unsigned_t<std::underlying_type_t<T>>;
};

}  // namespace detail

template <Scalar T>
constexpr T load_le(const std::uint8_t* from) {
  using U = typename detail::WireInteger<T>::type;
  U value = 0;
  for (std::size_t i = 0; i < sizeof(U); ++i) value = static_cast<U>(value | (static_cast<U>(from[i]) << (8 * i)));
  if constexpr (std::is_same_v<T, bool>) return value != 0;
  return static_cast<T>(value);
}

template <Scalar T>
constexpr void store_le(std::uint8_t* to, T value) {
  using U = typename detail::WireInteger<T>::type;
  const U bits = static_cast<U>(value);
  for (std::size_t i = 0; i < sizeof(U); ++i) to[i] = static_cast<std::uint8_t>(bits >> (8 * i));
}

}  // namespace smb3fuse::wire
