//! The element types of the format.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, shorten};

/// Declares the element types with their names and widths, once.
macro_rules! dtypes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $bits:literal;)+) => {
        /// The type of a tensor's elements.
        ///
        /// The order of the variants is the order in which the format's own library lays tensors out, last
        /// variant first, so that wide elements come before narrow ones and stay aligned.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Dtype {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Dtype {
            /// Every element type, in the order of the variants.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the name that headers use, such as `BF16`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Returns the width of one element in bits; 4 or 6 for the types narrower than a byte.
            pub const fn bits(self) -> u64 {
                match self { $(Self::$variant => $bits),+ }
            }

            fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

dtypes! {
    /// A boolean in one byte.
    Bool = "BOOL", 8;
    /// A 4-bit float, two to a byte.
    F4 = "F4", 4;
    /// A 6-bit float with two bits of exponent.
    F6E2M3 = "F6_E2M3", 6;
    /// A 6-bit float with three bits of exponent.
    F6E3M2 = "F6_E3M2", 6;
    /// An unsigned 8-bit integer.
    U8 = "U8", 8;
    /// A signed 8-bit integer.
    I8 = "I8", 8;
    /// An 8-bit float with five bits of exponent.
    F8E5M2 = "F8_E5M2", 8;
    /// An 8-bit float with four bits of exponent.
    F8E4M3 = "F8_E4M3", 8;
    /// An 8-bit power of two, used as a scale.
    F8E8M0 = "F8_E8M0", 8;
    /// An 8-bit float with four bits of exponent, finite and without negative zero.
    F8E4M3Fnuz = "F8_E4M3FNUZ", 8;
    /// An 8-bit float with five bits of exponent, finite and without negative zero.
    F8E5M2Fnuz = "F8_E5M2FNUZ", 8;
    /// A signed 16-bit integer.
    I16 = "I16", 16;
    /// An unsigned 16-bit integer.
    U16 = "U16", 16;
    /// An IEEE half-precision float.
    F16 = "F16", 16;
    /// A 16-bit float with the exponent of a 32-bit one.
    Bf16 = "BF16", 16;
    /// A signed 32-bit integer.
    I32 = "I32", 32;
    /// An unsigned 32-bit integer.
    U32 = "U32", 32;
    /// An IEEE single-precision float.
    F32 = "F32", 32;
    /// A complex number of two 32-bit floats.
    C64 = "C64", 64;
    /// An IEEE double-precision float.
    F64 = "F64", 64;
    /// A signed 64-bit integer.
    I64 = "I64", 64;
    /// An unsigned 64-bit integer.
    U64 = "U64", 64;
}

impl Dtype {
    /// Returns the number of bytes that a tensor of this type and `shape` takes.
    ///
    /// # Errors
    ///
    /// [`Error::SizeOverflow`] if the number of bits exceeds 64 bits on the way, and [`Error::NotWholeBytes`]
    /// if the elements do not fill the last byte. `tensor` is the name that the error gives.
    pub fn byte_len(self, shape: &[u64], tensor: &str) -> Result<u64, Error> {
        let overflow = || Error::SizeOverflow { tensor: shorten(tensor) };
        let bits =
            element_count(shape).and_then(|count| count.checked_mul(self.bits())).ok_or_else(overflow)?;
        match bits % 8 {
            0 => Ok(bits / 8),
            _ => Err(Error::NotWholeBytes { tensor: shorten(tensor), dtype: self, bits }),
        }
    }
}

/// Multiplies the dimensions in their order. A zero behind an overflow does not undo it, as in the format's
/// library.
pub(crate) fn element_count(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1u64, |count, &dimension| count.checked_mul(dimension))
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The error of a name that is no element type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no element type of safetensors")]
pub struct UnknownDtype {
    name: String,
}

impl FromStr for Dtype {
    type Err = UnknownDtype;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or_else(|| UnknownDtype { name: shorten(name) })
    }
}

impl Serialize for Dtype {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Dtype {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_to_its_type() {
        assert_eq!(Dtype::ALL.len(), 22);
        for &dtype in Dtype::ALL {
            assert_eq!(dtype.name().parse(), Ok(dtype));
        }
    }

    #[test]
    fn names_are_exact() {
        for name in ["f32", "F128", "", "F32 ", "BOOL\0"] {
            assert!(name.parse::<Dtype>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn sizes_count_bits() {
        assert_eq!(Dtype::F4.byte_len(&[4], "t").unwrap(), 2);
        assert_eq!(Dtype::F6E2M3.byte_len(&[4], "t").unwrap(), 3);
        assert_eq!(Dtype::F32.byte_len(&[], "t").unwrap(), 4);
        assert_eq!(Dtype::F32.byte_len(&[0, 1 << 63], "t").unwrap(), 0);
        assert!(matches!(Dtype::F4.byte_len(&[3], "t"), Err(Error::NotWholeBytes { bits: 12, .. })));
        assert!(matches!(Dtype::F32.byte_len(&[1 << 40, 1 << 40, 0], "t"), Err(Error::SizeOverflow { .. })));
    }
}
