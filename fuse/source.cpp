// SPDX-License-Identifier: Apache-2.0
#include "fuse/source.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "fuse/text.h"

namespace smb3fuse::fs {
namespace {

constexpr std::array<std::string_view, 2> kSchemes{"smb://", "file://"};
constexpr std::string_view kExpected = "expected //server/share or smb://server/share";

// How long the URL's scheme is; 0: it is no URL of ours.
std::size_t scheme_size(std::string_view text) {
  for (const std::string_view scheme : kSchemes) {
    const std::string_view start = text.substr(0, scheme.size());
    const bool same = std::equal(scheme.begin(), scheme.end(), start.begin(), start.end(), [](char ours, char theirs) {
      return ours == (theirs >= 'A' && theirs <= 'Z' ? theirs + 32 : theirs);
    });
    if (same) return scheme.size();
  }
  return 0;
}

// Where the user information of a URL's authority ends, i.e. its '@'; npos without any. A password with a '/' in it
// ends the authority too early: then what follows the colon is no port, and the '@' is further on.
std::size_t user_information_end(std::string_view rest) {
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) return at;
  const std::size_t colon = authority.find(':');
  if (colon == std::string_view::npos || authority.front() == '[') return std::string_view::npos;
  return all_digits(authority.substr(colon + 1)) ? std::string_view::npos : rest.find('@', colon);
}

// The password of a URL as (offset, length) in the text; nothing when it has none.
std::optional<std::pair<std::size_t, std::size_t>> url_password(std::string_view text) {
  const std::size_t scheme = scheme_size(text);
  if (scheme == 0) return std::nullopt;
  const std::string_view rest = text.substr(scheme);
  const std::size_t end = user_information_end(rest);
  if (end == std::string_view::npos) return std::nullopt;
  const std::size_t colon = rest.substr(0, end).find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return std::pair{scheme + colon + 1, end - colon - 1};
}

int hexadecimal(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

// One part of a URL, already split off, so that an escaped separator stays an ordinary character.
Checked<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hexadecimal(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hexadecimal(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return refused("the URL has a '%' that is not followed by two hexadecimal digits; write a percent sign as %25");
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::optional<std::string> wrong_with_server(std::string_view server, bool bracketed) {
  if (server.empty()) return std::string("the source names no server: ").append(kExpected);
  if (bracketed) {
    in6_addr address;
    const std::string literal(server.substr(0, server.find('%')));  // without its zone
    if (inet_pton(AF_INET6, literal.c_str(), &address) == 1) return std::nullopt;
    return "the source's server '[" + std::string(server) + "]' is not an IPv6 address";
  }
  if (server.find('@') != std::string_view::npos) {
    return "the source's server '" + std::string(server) +
           "' holds an '@': give the user with -o username=, or write smb://user@server/share";
  }
  const bool impossible = std::any_of(server.begin(), server.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || std::strchr("\"*+,;<>=?|\\/[]%:", c) != nullptr;
  });
  if (impossible || server.size() > 255) {
    return "the source's server '" + std::string(server) + "' is neither a host name nor an address";
  }
  return std::nullopt;
}

// "server", "server:port", "[v6]", "[v6]:port"
std::optional<std::string> take_host(std::string_view host, bool url, Source& source) {
  const bool bracketed = !host.empty() && host.front() == '[';
  std::string_view server = host;
  std::optional<std::string_view> port;
  if (bracketed) {
    const std::size_t close = host.find(']');
    if (close == std::string_view::npos) return "the source's server '" + std::string(host) + "' lacks its ']'";
    server = host.substr(1, close - 1);
    const std::string_view behind = host.substr(close + 1);
    if (!behind.empty() && behind.front() != ':') {
      return "the source has '" + std::string(behind) + "' behind its IPv6 address: expected a '/' or ':port'";
    }
    if (!behind.empty()) port = behind.substr(1);
  } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    if (host.find(':', colon + 1) != std::string_view::npos) {
      return "the source's server '" + std::string(host) + "' needs brackets if it is an IPv6 address: //[" +
             std::string(host) + "]/share";
    }
    server = host.substr(0, colon);
    port = host.substr(colon + 1);
  }
  source.server = server;
  if (url) {
    Checked<std::string> decoded = percent_decoded(server);
    if (!decoded) return std::move(decoded.error().sentence);
    source.server = std::move(*decoded);
  }
  if (port) {
    source.port = number_between<std::uint16_t>(*port, 1, 65535);
    if (!source.port) return "the source's port '" + std::string(*port) + "' is not a number from 1 to 65535";
  }
  return wrong_with_server(source.server, bracketed);
}

std::optional<std::string> wrong_with_name(std::string_view name, std::string_view part) {
  const bool has_control =
      std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
  if (has_control) return "the source's " + std::string(part) + " holds a control character";
  if (!is_utf8(name)) return "the source's " + std::string(part) + " is not valid UTF-8";
  return std::nullopt;
}

// "share/sub/dir", separators doubled or at the end being of no meaning.
std::optional<std::string> take_share_and_path(std::string_view text, bool url, Source& source) {
  for (std::string_view part : split(text, '/')) {
    if (part.empty() || part == ".") continue;
    std::string name(part);
    if (url) {
      Checked<std::string> decoded = percent_decoded(part);
      if (!decoded) return std::move(decoded.error().sentence);
      name = std::move(*decoded);
    }
    const bool is_share = source.share.empty();
    if (name == "..") return "the source's path holds '..': name the folder itself";
    if (name.find('/') != std::string::npos) return std::string("the source's path holds an escaped '/'");
    if (auto wrong = wrong_with_name(name, is_share ? "share" : "path")) return wrong;
    if (is_share) {
      source.share = std::move(name);
    } else {
      if (!source.path.empty()) source.path += '/';
      source.path += name;
    }
  }
  return std::nullopt;
}

// "domain;user"
std::optional<std::string> take_user(std::string_view information, Source& source) {
  const std::size_t semicolon = information.find(';');
  const bool has_domain = semicolon != std::string_view::npos;
  Checked<std::string> user = percent_decoded(has_domain ? information.substr(semicolon + 1) : information);
  if (!user) return std::move(user.error().sentence);
  if (user->empty()) return std::string("the URL has an '@' without a user name before it");
  if (auto wrong = wrong_with_name(*user, "user name")) return wrong;
  source.username = std::move(*user);
  if (has_domain) {
    Checked<std::string> domain = percent_decoded(information.substr(0, semicolon));
    if (!domain) return std::move(domain.error().sentence);
    if (auto wrong = wrong_with_name(*domain, "domain")) return wrong;
    source.domain = std::move(*domain);
  }
  return std::nullopt;
}

Checked<Source> parse_url(std::string_view text) {
  if (url_password(text)) {
    return refused(
        "the URL holds a password, which the process list and the shell's history would show: leave it out and use a "
        "credentials file (-o credentials=FILE), the variable PASSWD, or the prompt");
  }
  if (text.find_first_of("?#") != std::string_view::npos) {
    return refused("the URL holds a '?' or '#', which has no meaning here: within a name write %3F or %23");
  }
  std::string_view rest = text.substr(scheme_size(text));
  Source source;
  if (const std::size_t end = user_information_end(rest); end != std::string_view::npos) {
    if (auto wrong = take_user(rest.substr(0, end), source)) return refused(std::move(*wrong));
    rest.remove_prefix(end + 1);
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  if (auto wrong = take_host(rest.substr(0, slash), true, source)) return refused(std::move(*wrong));
  if (auto wrong = take_share_and_path(rest.substr(slash), true, source)) return refused(std::move(*wrong));
  return source;
}

Checked<Source> parse_unc(std::string_view text) {
  std::string slashed(text);
  std::replace(slashed.begin(), slashed.end(), '\\', '/');
  const std::size_t start = slashed.find_first_not_of('/');
  if (start == 0) return refused("the source '" + std::string(text) + "' is not understood: " + std::string(kExpected));
  const std::string_view rest =
      start == std::string::npos ? std::string_view{} : std::string_view(slashed).substr(start);
  Source source;
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  if (auto wrong = take_host(rest.substr(0, slash), false, source)) return refused(std::move(*wrong));
  if (auto wrong = take_share_and_path(rest.substr(slash), false, source)) return refused(std::move(*wrong));
  return source;
}

}  // namespace

Checked<Source> parse_source(std::string_view text) {
  if (text.empty()) return refused("the source is empty: " + std::string(kExpected));
  return scheme_size(text) > 0 ? parse_url(text) : parse_unc(text);
}

Checked<Source> parse_server(std::string_view text) {
  const bool bare = text.find_first_of("/\\") == std::string_view::npos && !text.empty();
  Checked<Source> source =
      scheme_size(text) > 0 ? parse_url(text) : parse_unc(bare ? "//" + std::string(text) : std::string(text));
  if (source && !source->share.empty()) {
    return refused("'" + std::string(text) + "' names a share: expected a server alone, as in //server");
  }
  return source;
}

std::string to_string(const Source& source) {
  const bool is_ipv6 = source.server.find(':') != std::string::npos;
  std::string text = "//" + (is_ipv6 ? "[" + source.server + "]" : source.server);
  if (source.port) text += ":" + std::to_string(*source.port);
  if (!source.share.empty()) text += "/" + source.share;
  if (!source.path.empty()) text += "/" + source.path;
  return text;
}

void scrub_url_password(char* text) {
  if (const auto password = url_password(text)) std::fill_n(text + password->first, password->second, 'x');
}

}  // namespace smb3fuse::fs
