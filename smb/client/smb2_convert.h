// SPDX-License-Identifier: Apache-2.0
// From the wire's answers to Attributes.
#pragma once

#include "smb/client/attributes.h"
#include "smb/wire/create.h"
#include "smb/wire/fscc.h"
#include "smb/wire/fscc_directory.h"

namespace smb3fuse::client {

// Without number_of_links; file_id if the context was asked for and granted.
Attributes attributes_of(const wire::CreateResponse& created);
// Without number_of_links and file_id.
Attributes attributes_of(const wire::FileNetworkOpenInformation& information);
// Without number_of_links.
Attributes attributes_of(const wire::FileIdFullDirectoryInformation& entry);

}  // namespace smb3fuse::client
