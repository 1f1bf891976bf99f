use std::ops::Deref;

/// A value that passed the checks of whoever returned it.
///
/// It begins with [`crate::dsse::Envelope::verify`], which checks signatures, and is narrowed by
/// [`Verified::narrow`]; the function that returns it says which checks those were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

/// How a value follows from a verified one, by further checks.
///
/// Only the crate that owns a type can implement this for it, since what the type is read from is
/// no parameter of the trait: nobody else can mark a value of that type as verified.
pub trait Narrow: Sized {
    /// What it is read from.
    type From;
    /// What the checks need to know besides.
    type Given: ?Sized;
    /// Why they refuse.
    type Error;

    /// Makes the checks.
    ///
    /// # Errors
    /// If one does not hold.
    fn narrow(from: Self::From, given: &Self::Given) -> Result<Self, Self::Error>;
}

impl<T> Verified<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// Makes further checks; their success keeps the mark, their failure loses the value.
    ///
    /// # Errors
    /// Whatever the checks return.
    pub fn narrow<U: Narrow<From = T>>(self, given: &U::Given) -> Result<Verified<U>, U::Error> {
        U::narrow(self.0, given).map(Verified)
    }

    /// Gives up the mark.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
