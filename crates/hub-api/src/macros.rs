//! The macros that declare methods: data only, what it means in HTTP is written under them.

#[doc(hidden)]
#[cfg(feature = "blocking")]
#[macro_export]
macro_rules! __if_blocking { ($($t:tt)*) => { $($t)* } }
#[doc(hidden)]
#[cfg(not(feature = "blocking"))]
#[macro_export]
macro_rules! __if_blocking {
    ($($t:tt)*) => {};
}

/// Declares a request: its struct, constructor, setters, specification and `IntoFuture`.
///
/// [`Run`](crate::Run) is written by hand under it, and the method on a trait of the declaring crate. Parameters are
/// required (in the signature) or optional (in the struct): `Option<T>` and `Many<T>` are empty unless set, `bool`
/// and others have their default.
#[macro_export]
macro_rules! request {
    (
        $(#[doc = $doc:literal])*
        $(#[deprecated(note = $note:literal)])?
        pub fn $method:ident($($(#[doc = $rdoc:literal])* $req:ident : $rty:ty),* $(,)?) -> $out:ty;
        $(#[$sm:meta])*
        pub struct $name:ident { $($(#[doc = $fdoc:literal])* $field:ident : $kind:ident $(<$inner:ty>)?),* $(,)? }
    ) => {
        $(#[$sm])*
        #[derive(Debug, Clone, $crate::__private::serde::Serialize, $crate::__private::serde::Deserialize)]
        #[serde(crate = "hub_api::__private::serde", deny_unknown_fields)]
        #[must_use = "a request does nothing until it is awaited"]
        #[non_exhaustive]
        #[allow(non_snake_case, reason = "parameters keep their Python names, `cardData` among them")]
        pub struct $name<C = ()> {
            $($(#[doc = $rdoc])* #[doc = "\n\nRequired."] pub $req: $rty,)*
            $($(#[doc = $fdoc])* #[serde(default)] pub $field: $kind $(<$inner>)?,)*
            #[serde(skip)]
            api: C,
        }

        #[allow(non_snake_case, reason = "parameters keep their Python names")]
        impl $name {
            /// Creates the request from its required parameters.
            #[allow(clippy::new_without_default, reason = "requests without parameters are made by their method")]
            #[allow(clippy::too_many_arguments, reason = "there are as many as the Hub requires")]
            pub fn new($($req: impl Into<$rty>),*) -> Self {
                Self { $($req: $req.into(),)* $($field: Default::default(),)* api: () }
            }

            /// Binds the request to a client, so that it can be awaited.
            pub fn on(self, api: &$crate::HfApi) -> $name<$crate::HfApi> {
                $name { $($req: self.$req,)* $($field: self.$field,)* api: api.clone() }
            }
        }

        impl $name<$crate::HfApi> {
            /// Separates the parameters from the client.
            pub fn unbind(self) -> ($name, $crate::HfApi) {
                ($name { $($req: self.$req,)* $($field: self.$field,)* api: () }, self.api)
            }
        }

        #[allow(non_snake_case, reason = "parameters keep their Python names")]
        impl<C> $name<C> {
            $($crate::request!(@setter [$(#[doc = $fdoc])*] $field $kind $(<$inner>)?);)*
        }

        impl $crate::Request for $name {
            type Output = $out;
            const SPEC: $crate::Spec = $crate::Spec::new(
                stringify!($method),
                module_path!(),
                concat!($($doc, "\n"),*),
                &[
                    $($crate::Param::new(stringify!($req), stringify!($rty), true, concat!($($rdoc, "\n"),*)),)*
                    $($crate::Param::new(
                        stringify!($field), stringify!($kind $(<$inner>)?), false, concat!($($fdoc, "\n"),*)
                    ),)*
                ],
                stringify!($out),
            );
        }

        impl ::std::future::IntoFuture for $name<$crate::HfApi> {
            type Output = $crate::Result<$out>;
            type IntoFuture = $crate::__private::BoxFuture<'static, Self::Output>;
            fn into_future(self) -> Self::IntoFuture {
                let (request, api) = self.unbind();
                Box::pin($crate::__private::perform(request, api))
            }
        }

        $crate::__if_blocking! {
            impl $name<$crate::HfApi> {
                /// Performs the call and blocks until it is done, on the runtime of the client.
                ///
                /// It may be called from anywhere, also within a runtime, whose thread it then blocks.
                ///
                /// # Errors
                /// As the method.
                pub fn block(self) -> $crate::Result<$out> {
                    let api = self.api.clone();
                    api.block_on(::std::future::IntoFuture::into_future(self))
                }
            }
        }
    };

    (@setter [$($m:tt)*] $f:ident Option<$t:ty>) => {
        $($m)* pub fn $f(mut self, value: impl Into<$t>) -> Self { self.$f = Some(value.into()); self }
    };
    (@setter [$($m:tt)*] $f:ident Many<$t:ty>) => {
        $($m)* pub fn $f(mut self, values: impl Into<$crate::Many<$t>>) -> Self { self.$f = values.into(); self }
    };
    (@setter [$($m:tt)*] $f:ident $t:ty) => {
        $($m)* pub fn $f(mut self, value: $t) -> Self { self.$f = value; self }
    };
}

/// Declares a request of this crate that takes several exchanges, and its method on [`HfApi`](crate::HfApi).
///
/// [`Run`](crate::Run) is written under it.
macro_rules! composite {
    (
        $(#[doc = $doc:literal])*
        $(#[deprecated(note = $note:literal)])?
        pub fn $method:ident($($(#[doc = $rdoc:literal])* $req:ident : $rty:ty),* $(,)?) -> $out:ty;
        $(#[$sm:meta])*
        pub struct $name:ident { $($fields:tt)* }
    ) => {
        $crate::request! {
            $(#[doc = $doc])*
            pub fn $method($($(#[doc = $rdoc])* $req: $rty),*) -> $out;
            $(#[$sm])*
            pub struct $name { $($fields)* }
        }
        impl $crate::HfApi {
            $(#[doc = $doc])*
            $(#[deprecated(note = $note)])?
            #[allow(clippy::too_many_arguments, reason = "there are as many as the Hub requires")]
            pub fn $method(&self, $($req: impl Into<$rty>),*) -> $name<$crate::HfApi> {
                $name::new($($req),*).on(self)
            }
        }
    };
}
pub(crate) use composite;

/// Declares a request of this crate that is one exchange, and its method on [`HfApi`](crate::HfApi).
///
/// [`Endpoint`](crate::Endpoint) is written under it.
macro_rules! endpoint {
    (
        $(#[doc = $doc:literal])*
        $(#[deprecated(note = $note:literal)])?
        pub fn $method:ident($($(#[doc = $rdoc:literal])* $req:ident : $rty:ty),* $(,)?) -> $out:ty;
        $(#[$sm:meta])*
        pub struct $name:ident { $($fields:tt)* }
    ) => {
        $crate::macros::composite! {
            $(#[doc = $doc])*
            $(#[deprecated(note = $note)])?
            pub fn $method($($(#[doc = $rdoc])* $req: $rty),*) -> $out;
            $(#[$sm])*
            pub struct $name { $($fields)* }
        }
        impl $crate::Run for $name {
            async fn run(self, api: $crate::HfApi) -> $crate::Result<$out> {
                api.send(self).await
            }
        }
    };
}
pub(crate) use endpoint;

/// Declares a request of this crate that is answered page by page, and its method on [`HfApi`](crate::HfApi).
///
/// [`List`](crate::List) is written under it, with the same item type.
macro_rules! listing {
    (
        $(#[doc = $doc:literal])*
        pub fn $method:ident($($(#[doc = $rdoc:literal])* $req:ident : $rty:ty),* $(,)?) -> Stream<$item:ty>;
        $(#[$sm:meta])*
        pub struct $name:ident { $($fields:tt)* }
    ) => {
        $crate::macros::composite! {
            $(#[doc = $doc])*
            pub fn $method($($(#[doc = $rdoc])* $req: $rty),*) -> Vec<$item>;
            $(#[$sm])*
            pub struct $name { $($fields)* }
        }
        impl $crate::Run for $name {
            async fn run(self, api: $crate::HfApi) -> $crate::Result<Vec<$item>> {
                $crate::__private::TryStreamExt::try_collect(api.items(self)).await
            }
        }
        impl $name<$crate::HfApi> {
            /// Streams the items; a page is fetched while the one before is read.
            pub fn stream(self) -> $crate::__private::BoxStream<'static, $crate::Result<$item>> {
                let (request, api) = self.unbind();
                api.list(request)
            }
        }

        $crate::__if_blocking! {
            impl $name<$crate::HfApi> {
                /// Gives the items to blocking code, while further pages are fetched on the runtime of the client.
                pub fn iter(self) -> $crate::Iter<$item> {
                    let (request, api) = self.unbind();
                    let items = api.list(request);
                    $crate::Iter::new(api, items)
                }
            }
        }
    };
}
pub(crate) use listing;
