// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_convert.h"

namespace smb3fuse::client {
namespace {

FileTime time_of(wire::FileTime time) { return static_cast<FileTime>(time.value); }

// Every structure that tells times and sizes names them alike.
template <class Information>
Attributes common_attributes(const Information& information) {
  Attributes attributes;
  attributes.creation_time = time_of(information.creation_time);
  attributes.last_access_time = time_of(information.last_access_time);
  attributes.last_write_time = time_of(information.last_write_time);
  attributes.change_time = time_of(information.change_time);
  attributes.file_attributes = information.file_attributes;
  attributes.end_of_file = information.end_of_file;
  attributes.allocation_size = information.allocation_size;
  return attributes;
}

}  // namespace

Attributes attributes_of(const wire::CreateResponse& created) {
  Attributes attributes = common_attributes(created);
  if (const auto id = wire::find_context<wire::QueryOnDiskIdResponse>(created.create_contexts); id && *id) {
    attributes.file_id = (*id)->disk_file_id;
  }
  return attributes;
}

Attributes attributes_of(const wire::FileNetworkOpenInformation& information) { return common_attributes(information); }

Attributes attributes_of(const wire::FileIdFullDirectoryInformation& entry) {
  Attributes attributes = common_attributes(entry);
  attributes.file_id = entry.file_id;
  // [MS-FSCC] 2.4.18: EaSize holds the reparse tag of a reparse point.
  if ((entry.file_attributes & file_attribute::reparse_point) != 0) attributes.reparse_tag = entry.ea_size;
  return attributes;
}

}  // namespace smb3fuse::client
