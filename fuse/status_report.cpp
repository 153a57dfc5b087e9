// SPDX-License-Identifier: Apache-2.0
#include "fuse/status_report.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

namespace smb3fuse::fs {

namespace {

using Json = nlohmann::ordered_json;

double seconds(client::Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Microseconds are what is measured.
double milliseconds(client::Duration duration) { return std::round(seconds(duration) * 1e6) / 1e3; }

Json milliseconds_or_null(const std::optional<client::Duration>& duration) {
  return duration ? Json(milliseconds(*duration)) : Json();
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json share_of(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return {};
  return std::round(1e4 * static_cast<double>(part) / static_cast<double>(whole)) / 1e4;
}

// "2026-11-21T15:20:11Z"
std::string utc(std::int64_t time) {
  const std::time_t seconds_since_1970 = time;
  tm parts{};
  gmtime_r(&seconds_since_1970, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%FT%TZ", &parts)};
}

Json connection_of(const client::ShareStatus& share, std::int64_t now) {
  const double since = std::round(seconds(share.since) * 1e3) / 1e3;
  return {{"state", share.connected ? "connected" : "lost"},
          {"since", utc(now - static_cast<std::int64_t>(since))},
          {"seconds", since},
          {"lost_reason", text_or_null(share.lost_reason)},
          {"count", share.connections},
          {"server", share.server},
          {"address", text_or_null(share.address)},
          {"port", share.port},
          {"share", share.share}};
}

Json protocol_of(const client::ShareStatus& share) {
  return {{"dialect", share.dialect},
          {"cipher", text_or_null(share.cipher)},
          {"encrypted", share.encrypted},
          {"signing", share.signing},
          {"signed", share.is_signed}};
}

Json requests_of(const client::ShareStatus& share) {
  Json commands = Json::object();
  std::uint64_t requests = 0;
  std::uint64_t round_trips = 0;
  for (const client::CommandStatus& each : share.commands) {
    requests += each.requests;
    round_trips += each.round_trips;
    commands[std::string(each.name)] = {
        {"requests", each.requests}, {"round_trips", each.round_trips}, {"errors", each.errors}};
  }
  return {{"in_flight", share.requests_in_flight},
          {"waiting_for_credits", share.requests_queued},
          {"total", requests},
          {"messages", share.messages_sent},
          {"compounds", share.compounds_sent},
          {"round_trips", round_trips},
          {"bytes_sent", share.bytes_sent},
          {"bytes_received", share.bytes_received},
          {"commands", std::move(commands)}};
}

Json cache_of(const VfsStatus& vfs) {
  const cache::Usage& usage = vfs.cache;
  const cache::Counts& counts = vfs.cache_counts;
  return {{"clean_bytes", usage.clean},
          {"dirty_bytes", usage.dirty},
          {"writing_bytes", usage.in_flight},
          {"fetching_bytes", usage.fetching},
          {"memory_bytes", vfs.memory_in_use},
          {"budget_bytes", vfs.memory_limit},
          {"reads", counts.reads},
          {"reads_from_memory", counts.reads_from_memory},
          {"read_hit_rate", share_of(counts.reads_from_memory, counts.reads)},
          {"read_bytes", counts.bytes_read},
          {"read_bytes_from_memory", counts.bytes_from_memory},
          {"byte_hit_rate", share_of(counts.bytes_from_memory, counts.bytes_read)},
          {"writes", counts.writes},
          {"written_bytes", counts.bytes_written}};
}

Json ahead_of_need(std::uint64_t asked, std::uint64_t used, std::uint64_t unused) {
  return {{"asked", asked}, {"used", used}, {"unused", unused}};
}

Json leases_of(const client::LeaseStatus& leases) {
  return {{"R", leases.read},
          {"RH", leases.read_handle},
          {"RW", leases.read_write},
          {"RWH", leases.read_write_handle},
          {"oplock_level_ii", leases.level_ii_oplock},
          {"oplock_exclusive", leases.exclusive_oplock},
          {"oplock_batch", leases.batch_oplock}};
}

Json kernel_of(const KernelStatus& kernel, std::size_t nodes) {
  Json requests = Json::object();
  for (const OperationCount& each : kernel.operations) requests[std::string(each.name)] = each.requests;
  const NotificationCounts& told = kernel.notifications;
  return {{"in_flight", kernel.requests_waiting},
          {"nodes", nodes},
          {"requests", std::move(requests)},
          {"notifications",
           {{"data", told.data},
            {"attributes", told.attributes},
            {"names", told.names},
            {"expired_names", told.expired_names}}}};
}

// A name may be of any bytes, and JSON is UTF-8.
std::string written(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// Nothing if it makes no sense. It comes from a process of another user, perhaps: what is nested without end is left
// out.
Json parsed(const std::string& text) {
  constexpr int kDeepest = 8;
  Json json = Json::parse(
      text, [](int depth, Json::parse_event_t, Json&) { return depth <= kDeepest; }, false);
  return json.is_object() ? json : Json();
}

Json with_place(const MountReport& report) {
  Json json = parsed(report.json);
  if (!report.error.empty() || !json.is_object()) {
    return {{"mountpoint", report.mountpoint},
            {"error", report.error.empty() ? "the daemon's answer makes no sense" : report.error}};
  }
  json["mountpoint"] = report.mountpoint;
  return json;
}

// ---- for people

// What is missing, or of another kind, counts as nothing: it may come from a daemon of another version.
class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {}

  const Json& at(const char* pointer) const {
    static const Json kNothing;
    const Json::json_pointer place(pointer);
    return json_.contains(place) ? json_.at(place) : kNothing;
  }
  double number(const char* pointer) const {
    const Json& found = at(pointer);
    return found.is_number() ? found.get<double>() : 0;
  }
  std::uint64_t count(const char* pointer) const { return count_of(at(pointer)); }
  bool flag(const char* pointer) const {
    const Json& found = at(pointer);
    return found.is_boolean() && found.get<bool>();
  }
  std::string text(const char* pointer) const {
    const Json& found = at(pointer);
    return found.is_string() ? found.get<std::string>() : std::string();
  }
  static std::uint64_t count_of(const Json& found) {
    return found.is_number_unsigned() ? found.get<std::uint64_t>() : 0;
  }

 private:
  const Json& json_;
};

// Whatever a name or a daemon says, it does not control the terminal.
std::string shown(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      safe += c;
    } else {
      safe += fmt::format("\\{:03o}", byte);
    }
  }
  return safe;
}

// "1,234,567"
std::string counted(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string bytes(std::uint64_t number) {
  if (number < 1024) return fmt::format("{} B", number);
  auto value = static_cast<double>(number);
  std::size_t unit = 0;
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string span(double all) {
  const auto whole = static_cast<std::uint64_t>(all);
  const std::uint64_t minutes = whole / 60;
  const std::uint64_t hours = minutes / 60;
  if (hours >= 24) return fmt::format("{} d {} h", hours / 24, hours % 24);
  if (minutes >= 60) return fmt::format("{} h {} min", hours, minutes % 60);
  if (whole >= 60) return fmt::format("{} min {} s", minutes, whole % 60);
  return fmt::format("{} s", whole);
}

std::string percent(const Json& rate) {
  return rate.is_number() ? fmt::format("{:.1f} %", 100 * rate.get<double>()) : "none yet";
}

std::string row(std::string_view title, const std::string& text) { return fmt::format("  {:<14}{}\n", title, text); }

std::string connection_text(const Fields& fields) {
  std::string text = shown(fields.text("/connection/server"));
  const std::string address = shown(fields.text("/connection/address"));
  if (!address.empty() && address != text) text += " (" + address + ")";
  text += fmt::format(", port {}, {} since {} ({})", fields.count("/connection/port"),
                      shown(fields.text("/connection/state")), shown(fields.text("/connection/since")),
                      span(fields.number("/connection/seconds")));
  if (const auto count = fields.count("/connection/count"); count > 1) text += fmt::format(", connection {}", count);
  const std::string reason = shown(fields.text("/connection/lost_reason"));
  return reason.empty() ? text : text + ": " + reason;
}

std::string protocol_text(const Fields& fields) {
  const std::string cipher = shown(fields.text("/protocol/cipher"));
  std::string text = shown(fields.text("/protocol/dialect"));
  if (fields.flag("/protocol/encrypted")) return text + ", encrypted: " + cipher;
  const bool is_signed = fields.flag("/protocol/signed");
  text += is_signed ? ", signed: " + shown(fields.text("/protocol/signing")) : ", not signed";
  return text + ", not encrypted";
}

std::string round_trip_text(const Fields& fields) {
  if (!fields.at("/round_trip_ms/least").is_number()) return "not measured yet";
  return fmt::format("{:.2f} ms, {:.2f} ms at least", fields.number("/round_trip_ms/smoothed"),
                     fields.number("/round_trip_ms/least"));
}

// "3 R, 12 RWH"
std::string leases_text(const Fields& fields) {
  struct Kind {
    const char* field;
    std::string_view name;
  };
  constexpr std::array kKinds{Kind{"/leases/R", "R"},
                              Kind{"/leases/RH", "RH"},
                              Kind{"/leases/RW", "RW"},
                              Kind{"/leases/RWH", "RWH"},
                              Kind{"/leases/oplock_level_ii", "level II oplocks"},
                              Kind{"/leases/oplock_exclusive", "exclusive oplocks"},
                              Kind{"/leases/oplock_batch", "batch oplocks"}};
  std::string text;
  for (const Kind& kind : kKinds) {
    const std::uint64_t count = fields.count(kind.field);
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counted(count), kind.name);
  }
  return text.empty() ? "none" : text;
}

std::string ahead_text(const Fields& fields) {
  return fmt::format("{} of files, {} used; {} folders listed, {} used; {} files opened, {} used",
                     bytes(fields.count("/read_ahead/bytes")), bytes(fields.count("/read_ahead/used_bytes")),
                     counted(fields.count("/listings_ahead/asked")), counted(fields.count("/listings_ahead/used")),
                     counted(fields.count("/files_ahead/asked")), counted(fields.count("/files_ahead/used")));
}

// Names and numbers in lines that are not too long.
std::string kernel_rows(const Fields& fields) {
  constexpr std::size_t kWidth = 76;
  std::string rows;
  std::string line;
  for (const auto& [name, count] : fields.at("/kernel/requests").items()) {
    const std::string item = fmt::format("{} {}", shown(name), counted(Fields::count_of(count)));
    if (!line.empty() && line.size() + item.size() > kWidth) {
      rows += row(rows.empty() ? "Kernel asked" : "", line);
      line.clear();
    }
    line += (line.empty() ? "" : ", ") + item;
  }
  return rows + row(rows.empty() ? "Kernel asked" : "", line.empty() ? "nothing yet" : line);
}

std::string command_rows(const Fields& fields) {
  std::string rows = fmt::format("  {:<20}{:>12}{:>14}{:>10}\n", "Command", "requests", "round trips", "errors");
  for (const auto& [name, command] : fields.at("/requests/commands").items()) {
    const Fields counts(command);
    rows += fmt::format("  {:<20}{:>12}{:>14}{:>10}\n", shown(name), counted(counts.count("/requests")),
                        counted(counts.count("/round_trips")), counted(counts.count("/errors")));
  }
  return rows;
}

}  // namespace

std::string to_json(const MountStatus& status) {
  const cache::Usage& usage = status.vfs.cache;
  const VfsCounts& counts = status.vfs.counts;
  const TreeWalk::Counts& listings = status.vfs.listings_ahead;
  const client::BreakStatus& breaks = status.share.breaks;
  const std::uint64_t files_done = counts.files_ahead_used + status.vfs.files_ahead_waiting;
  const Json json = {
      {"mountpoint", status.mountpoint},
      {"source", status.source},
      {"version", status.version},
      {"pid", status.pid},
      {"connection", connection_of(status.share, status.now)},
      {"protocol", protocol_of(status.share)},
      {"credits", {{"granted", status.share.credits_granted}, {"in_use", status.share.credits_in_use}}},
      {"round_trip_ms",
       {{"smoothed", milliseconds_or_null(status.share.round_trip_smoothed)},
        {"least", milliseconds_or_null(status.share.round_trip_least)}}},
      {"requests", requests_of(status.share)},
      {"cache", cache_of(status.vfs)},
      {"read_ahead",
       {{"bytes", status.vfs.cache_counts.bytes_ahead},
        {"used_bytes", status.vfs.cache_counts.bytes_ahead_used},
        {"unused_bytes", status.vfs.cache_counts.bytes_ahead - status.vfs.cache_counts.bytes_ahead_used - usage.unread},
        {"waiting_bytes", usage.unread}}},
      {"listings_ahead", ahead_of_need(listings.asked, listings.used, listings.unused)},
      {"files_ahead", ahead_of_need(counts.files_ahead, counts.files_ahead_used, counts.files_ahead - files_done)},
      {"opens",
       {{"total", counts.opens},
        {"reused", counts.opens_reused},
        {"in_use", status.vfs.files_in_use},
        {"kept", status.vfs.files_kept}}},
      {"leases", leases_of(status.share.leases)},
      {"breaks",
       {{"received", breaks.received},
        {"acknowledged", breaks.acknowledged},
        {"longest_ms", milliseconds(breaks.longest)}}},
      {"kernel", kernel_of(status.kernel, status.vfs.nodes)},
  };
  return written(json, -1);
}

std::optional<std::string> to_text(const MountReport& report) {
  const Json json = parsed(report.json);
  if (!json.is_object()) return std::nullopt;
  const Fields fields(json);
  const auto count = [&fields](const char* pointer) { return counted(fields.count(pointer)); };
  const auto size = [&fields](const char* pointer) { return bytes(fields.count(pointer)); };

  std::string text = fmt::format("{} on {}\n", shown(fields.text("/source")), shown(report.mountpoint));
  text += row("Connection", connection_text(fields));
  text += row("Protocol", protocol_text(fields));
  text += row("Round trip", round_trip_text(fields));
  text += row("Credits", fmt::format("{} granted, {} in use", count("/credits/granted"), count("/credits/in_use")));
  text += row("Under way",
              fmt::format("{} requests, {} wait for credits; the kernel waits for {}", count("/requests/in_flight"),
                          count("/requests/waiting_for_credits"), count("/kernel/in_flight")));
  text += row("Traffic",
              fmt::format("{} received, {} sent; {} requests in {} messages, {} round trips",
                          size("/requests/bytes_received"), size("/requests/bytes_sent"), count("/requests/total"),
                          count("/requests/messages"), count("/requests/round_trips")));
  text += row("Cache", fmt::format("{} clean, {} to be written, {} being written; memory {} of {}",
                                   size("/cache/clean_bytes"), size("/cache/dirty_bytes"), size("/cache/writing_bytes"),
                                   size("/cache/memory_bytes"), size("/cache/budget_bytes")));
  text += row("Reads", fmt::format("{}, from memory: {}; {}, from memory: {}", count("/cache/reads"),
                                   percent(fields.at("/cache/read_hit_rate")), size("/cache/read_bytes"),
                                   percent(fields.at("/cache/byte_hit_rate"))));
  text += row("Writes", fmt::format("{}, {}", count("/cache/writes"), size("/cache/written_bytes")));
  text += row("Ahead of need", ahead_text(fields));
  text += row("Opens", fmt::format("{}, {} without a request; {} in use, {} kept unused", count("/opens/total"),
                                   count("/opens/reused"), count("/opens/in_use"), count("/opens/kept")));
  text += row("Leases", leases_text(fields));
  text += row("Breaks", fmt::format("{} received, {} acknowledged, {:.1f} ms at most", count("/breaks/received"),
                                    count("/breaks/acknowledged"), fields.number("/breaks/longest_ms")));
  text += kernel_rows(fields);
  text += row("Kernel told",
              fmt::format("data {}, attributes {}, names {}, expired names {}", count("/kernel/notifications/data"),
                          count("/kernel/notifications/attributes"), count("/kernel/notifications/names"),
                          count("/kernel/notifications/expired_names")));
  return text + command_rows(fields);
}

std::string to_json(const MountReport& report) { return written(with_place(report), 2) + "\n"; }

std::string to_json(const std::vector<MountReport>& reports) {
  Json array = Json::array();
  for (const MountReport& report : reports) array.push_back(with_place(report));
  return written(array, 2) + "\n";
}

}  // namespace smb3fuse::fs
