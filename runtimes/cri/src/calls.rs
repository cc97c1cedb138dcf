//! The calls: for each request its name on the wire and its answer.

use crate::messages as m;

/// A request, and what comes back.
pub trait Call: prost::Message + 'static {
    /// What comes back.
    type Answer: prost::Message + Default + 'static;
    /// What people call it.
    const NAME: &'static str;
    /// Where it goes.
    const PATH: &'static str;
}

macro_rules! calls {
    ($($service:literal { $($name:literal $request:ty => $answer:ty;)* })*) => {
        $($(impl Call for $request {
            type Answer = $answer;
            const NAME: &'static str = $name;
            const PATH: &'static str = concat!("/", $service, "/", $name);
        })*)*
    };
}

calls! {
    "runtime.v1.RuntimeService" {
        "Version" m::VersionRequest => m::VersionResponse;
        "Status" m::StatusRequest => m::StatusResponse;
        "RunPodSandbox" m::RunPodSandboxRequest => m::RunPodSandboxResponse;
        "StopPodSandbox" m::StopPodSandboxRequest => m::StopPodSandboxResponse;
        "RemovePodSandbox" m::RemovePodSandboxRequest => m::RemovePodSandboxResponse;
        "PodSandboxStatus" m::PodSandboxStatusRequest => m::PodSandboxStatusResponse;
        "ListPodSandbox" m::ListPodSandboxRequest => m::ListPodSandboxResponse;
        "CreateContainer" m::CreateContainerRequest => m::CreateContainerResponse;
        "StartContainer" m::StartContainerRequest => m::StartContainerResponse;
        "StopContainer" m::StopContainerRequest => m::StopContainerResponse;
        "RemoveContainer" m::RemoveContainerRequest => m::RemoveContainerResponse;
        "ListContainers" m::ListContainersRequest => m::ListContainersResponse;
        "ContainerStatus" m::ContainerStatusRequest => m::ContainerStatusResponse;
        "UpdateContainerResources" m::UpdateContainerResourcesRequest => m::UpdateContainerResourcesResponse;
        "ExecSync" m::ExecSyncRequest => m::ExecSyncResponse;
    }
    "runtime.v1.ImageService" {
        "ListImages" m::ListImagesRequest => m::ListImagesResponse;
        "ImageStatus" m::ImageStatusRequest => m::ImageStatusResponse;
        "RemoveImage" m::RemoveImageRequest => m::RemoveImageResponse;
    }
    "containerd.services.images.v1.Images" {
        "Create" crate::containerd::CreateImageRequest => crate::containerd::CreateImageResponse;
    }
    "containerd.services.snapshots.v1.Snapshots" {
        "Mounts" crate::containerd::MountsRequest => crate::containerd::MountsResponse;
    }
    "containerd.services.leases.v1.Leases" {
        "Create" crate::containerd::CreateLeaseRequest => crate::containerd::Empty;
        "Delete" crate::containerd::DeleteLeaseRequest => crate::containerd::Empty;
        "List" crate::containerd::ListLeasesRequest => crate::containerd::ListLeasesResponse;
    }
    "containerd.services.version.v1.Version" {
        "Version" crate::containerd::Empty => crate::containerd::ContainerdVersion;
    }
}

/// The greeting of the previous version: the same messages under another name.
pub(crate) const OLD_VERSION: &str = "/runtime.v1alpha2.RuntimeService/Version";
