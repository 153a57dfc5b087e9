// SPDX-License-Identifier: Apache-2.0
#include "nbt/lmhosts.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace smb3fuse::nbt {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return result;
}

// The next word, or text in double quotes with the quotes; "" at the end.
std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
  std::size_t end = std::min(rest.find_first_of(kBlanks), rest.size());
  if (rest.starts_with('"')) {
    const std::size_t quote = rest.find('"', 1);
    end = quote == std::string_view::npos ? rest.size() : quote + 1;
  }
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::optional<std::uint8_t> hexadecimal_byte(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || text.size() > 2 || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return static_cast<std::uint8_t>(value);
}

// NAME, NAME#20 or "NAME           \0x20", whose backslash is the sixteenth character.
bool take_host(std::string_view word, LmhostsEntry& entry) {
  if (word.size() >= 2 && word.front() == '"' && word.back() == '"') {
    word = word.substr(1, word.size() - 2);
    const std::size_t escape = word.find("\\0x");
    if (escape != std::string_view::npos) {
      entry.service = hexadecimal_byte(word.substr(escape + 3));
      if (!entry.service || escape != kLongestName) return false;
      word = word.substr(0, escape);
    }
  } else if (const std::size_t mark = word.find('#'); mark != std::string_view::npos) {
    entry.service = hexadecimal_byte(word.substr(mark + 1));
    if (!entry.service) return false;
    word = word.substr(0, mark);
  }
  const auto name = make_name(word, suffix::workstation);
  if (name) entry.name = name->text();
  return name.has_value();
}

class Parser {
 public:
  Lmhosts parse(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      take_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::move(result_);
  }

 private:
  void complain(const std::string& what) {
    result_.complaints.push_back("line " + std::to_string(line_) + ": " + what);
  }

  void take_line(std::string_view line) {
    const std::string_view first = take_word(line);
    if (first.empty()) return;
    if (first.front() == '#') {
      const std::string keyword = upper(first);
      if (keyword == "#INCLUDE" || keyword == "#BEGIN_ALTERNATE" || keyword == "#END_ALTERNATE") {
        complain(keyword + " is not followed: what another file or machine says is not read");
      }
      return;
    }
    LmhostsEntry entry;
    const auto address = parse_ipv4(first);
    if (!address) return complain("'" + std::string(first) + "' is not an IPv4 address");
    entry.address = *address;
    const std::string_view host = take_word(line);
    if (!take_host(host, entry)) return complain("'" + std::string(host) + "' is not a NetBIOS name");
    for (std::string_view word = take_word(line); word.starts_with('#'); word = take_word(line)) {
      const std::string keyword = upper(word);
      if (keyword == "#PRE") {
        entry.preload = true;
      } else if (keyword.starts_with("#DOM:") && make_name(keyword.substr(5), suffix::domain_controllers)) {
        entry.domain = keyword.substr(5);
      } else if (keyword == "#SG" || keyword == "#MH") {
        continue;  // many addresses of one name: each line is one
      } else {
        break;  // a comment
      }
    }
    result_.entries.push_back(std::move(entry));
  }

  Lmhosts result_;
  int line_ = 0;
};

}  // namespace

std::vector<Ipv4> Lmhosts::addresses_of(const Name& name) const {
  std::vector<Ipv4> addresses;
  const std::string text = name.text();
  for (const LmhostsEntry& entry : entries) {
    const bool is_host = entry.name == text && entry.service.value_or(name.service()) == name.service();
    const bool is_controller = name.service() == suffix::domain_controllers && entry.domain == text;
    if (is_host || is_controller) addresses.push_back(entry.address);
  }
  return addresses;
}

Lmhosts parse_lmhosts(std::string_view text) { return Parser().parse(text); }

std::optional<Ipv4> parse_ipv4(std::string_view text) {
  Ipv4 address{};
  for (std::size_t i = 0; i < address.size(); ++i) {
    const std::string_view part = text.substr(0, text.find('.'));
    const bool last = i + 1 == address.size();
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), address[i]);
    if (part.empty() || part.size() > 3 || error != std::errc{} || end != part.data() + part.size())
      return std::nullopt;
    if (last != (part.size() == text.size())) return std::nullopt;
    text.remove_prefix(last ? part.size() : part.size() + 1);
  }
  return address;
}

}  // namespace smb3fuse::nbt
