// capabilities.hpp: what root may do beyond other users (capabilities(7)), given up.
#pragma once

namespace securelogin {

/// Gives up every capability of the calling thread, and of those that it starts, for good: effective,
/// permitted, inheritable and ambient; and, where the process may, the bounding set, so that no program that
/// it might execute would have any.  Root is left with what belongs to root.  For others a formality. Throws
/// StartupError when one is left.
void drop_capabilities();

}  // namespace securelogin
