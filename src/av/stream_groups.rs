//! Groups of an output's streams: IAMF audio elements and mix presentations (FFmpeg 7.0).

use super::output::Output;
use super::{AvError, Dict, ffi};
use std::ptr;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupKind {
    AudioElement,
    MixPresentation,
}

/// A part of an audio element that has options.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElementPart {
    Layer,
    Demixing,
    ReconGain,
    /// The element itself.
    Whole,
}

fn not_null<T>(pointer: *mut T) -> Result<*mut T, AvError> {
    if pointer.is_null() { Err(AvError::NO_MEMORY) } else { Ok(pointer) }
}

/// Sets what of `options` the object has; the rest stays in them.
///
/// # Safety
/// An object that begins with its class, or NULL, which has nothing.
unsafe fn set<T>(object: *mut T, options: &mut Dict, flags: u32) -> Result<(), AvError> {
    if object.is_null() {
        return Ok(());
    }
    // SAFETY: by contract.
    AvError::check(unsafe { ffi::av_opt_set_dict2(object.cast(), options.as_mut(), flags as i32) }).map(drop)
}

impl Output {
    pub fn group_count(&self) -> usize {
        self.get().nb_stream_groups as usize
    }

    fn group(&self, index: usize) -> Result<*mut ffi::AVStreamGroup, AvError> {
        // SAFETY: below nb_stream_groups.
        (index < self.group_count()).then(|| unsafe { *self.get().stream_groups.add(index) }).ok_or(AvError::INVALID)
    }

    fn element(&self, group: usize) -> Result<*mut ffi::AVIAMFAudioElement, AvError> {
        let group = self.group(group)?;
        // SAFETY: a group of this context; the union is what its type says.
        unsafe {
            match (*group).type_ == ffi::AV_STREAM_GROUP_PARAMS_IAMF_AUDIO_ELEMENT {
                true => Ok((*group).params.iamf_audio_element),
                false => Err(AvError::INVALID),
            }
        }
    }

    fn submix(&self, group: usize) -> Result<*mut ffi::AVIAMFSubmix, AvError> {
        let group = self.group(group)?;
        // SAFETY: as for `element`; the last of its submixes, if there is one.
        unsafe {
            if (*group).type_ != ffi::AV_STREAM_GROUP_PARAMS_IAMF_MIX_PRESENTATION {
                return Err(AvError::INVALID);
            }
            let mix = (*group).params.iamf_mix_presentation;
            let last = ((*mix).nb_submixes as usize).checked_sub(1).ok_or(AvError::INVALID)?;
            Ok(*(*mix).submixes.add(last))
        }
    }

    /// Adds a group and returns its index. What of the options it does not have stays in them.
    pub fn add_group(&mut self, kind: GroupKind, options: &mut Dict) -> Result<usize, AvError> {
        let kind_id = match kind {
            GroupKind::AudioElement => ffi::AV_STREAM_GROUP_PARAMS_IAMF_AUDIO_ELEMENT,
            GroupKind::MixPresentation => ffi::AV_STREAM_GROUP_PARAMS_IAMF_MIX_PRESENTATION,
        };
        // SAFETY: a valid context; the group and its parameters belong to it.
        unsafe { not_null(ffi::avformat_stream_group_create(self.context, kind_id, options.as_mut()))? };
        let index = self.group_count() - 1;
        if kind == GroupKind::AudioElement {
            let element = self.element(index)?;
            let parameter = |kind| {
                // SAFETY: memory that the element owns from here on.
                not_null(unsafe { ffi::av_iamf_param_definition_alloc(kind, 1, ptr::null_mut()) })
            };
            // SAFETY: a new element, which has none of them.
            unsafe {
                (*element).demixing_info = parameter(ffi::AV_IAMF_PARAMETER_DEFINITION_DEMIXING)?;
                (*element).recon_gain_info = parameter(ffi::AV_IAMF_PARAMETER_DEFINITION_RECON_GAIN)?;
            }
        }
        Ok(index)
    }

    pub fn add_to_group(&mut self, group: usize, stream: usize) -> Result<(), AvError> {
        if stream >= self.get().nb_streams as usize {
            return Err(AvError::INVALID);
        }
        let group = self.group(group)?;
        // SAFETY: a group and a stream of this context.
        AvError::check(unsafe { ffi::avformat_stream_group_add_stream(group, *self.get().streams.add(stream)) })
            .map(drop)
    }

    /// Streams of a group, by their indices.
    pub fn streams_of_group(&self, group: usize) -> Result<Vec<usize>, AvError> {
        let group = self.group(group)?;
        // SAFETY: as many valid streams as it says.
        Ok(unsafe { (0..(*group).nb_streams as usize).map(|i| (**(*group).streams.add(i)).index as usize).collect() })
    }

    /// A part of an audio element; a layer is a new one.
    pub fn set_element_part(&mut self, group: usize, part: ElementPart, options: &mut Dict) -> Result<(), AvError> {
        let element = self.element(group)?;
        // SAFETY: an element of this context, and parameters that it owns, of one block each.
        unsafe {
            let parameter = match part {
                ElementPart::Whole => return Ok(()),
                ElementPart::Layer => return set(not_null(ffi::av_iamf_audio_element_add_layer(element))?, options, 0),
                ElementPart::Demixing => (*element).demixing_info,
                ElementPart::ReconGain => (*element).recon_gain_info,
            };
            set(parameter, options, 0)?;
            if parameter.is_null() || (*parameter).nb_subblocks == 0 {
                return Ok(());
            }
            // Its blocks lie behind it (av_iamf_param_definition_get_subblock).
            set(parameter.byte_add((*parameter).subblocks_offset), options, 0)
        }
    }

    pub fn layer_count(&self, group: usize) -> usize {
        // SAFETY: an element of this context.
        self.element(group).map_or(0, |element| unsafe { (*element).nb_layers as usize })
    }

    /// Adds a submix to a mix presentation; what is set of a submix is set of the last one.
    pub fn add_submix(&mut self, group: usize) -> Result<(), AvError> {
        let index = group;
        let group = self.group(index)?;
        // SAFETY: a presentation of this context, to which the submix belongs, and the gain to the submix.
        unsafe {
            if (*group).type_ != ffi::AV_STREAM_GROUP_PARAMS_IAMF_MIX_PRESENTATION {
                return Err(AvError::INVALID);
            }
            let submix = not_null(ffi::av_iamf_mix_presentation_add_submix((*group).params.iamf_mix_presentation))?;
            (*submix).output_mix_config = mix_gain()?;
        }
        Ok(())
    }

    pub fn set_submix(&mut self, group: usize, options: &mut Dict) -> Result<(), AvError> {
        // SAFETY: a submix of this context.
        unsafe { set(self.submix(group)?, options, ffi::AV_OPT_SEARCH_CHILDREN) }
    }

    /// Adds an audio element, which is group `element`, to the submix.
    pub fn add_submix_element(&mut self, group: usize, element: usize, options: &mut Dict) -> Result<(), AvError> {
        self.element(element)?;
        let (submix, element) = (self.submix(group)?, self.group(element)?);
        // SAFETY: a submix and a group of this context; what is made belongs to the submix.
        unsafe {
            let added = not_null(ffi::av_iamf_submix_add_element(submix))?;
            (*added).audio_element_id = (*element).id as u32;
            (*added).element_mix_config = mix_gain()?;
            set(added, options, ffi::AV_OPT_SEARCH_CHILDREN)
        }
    }

    pub fn add_submix_layout(&mut self, group: usize, options: &mut Dict) -> Result<(), AvError> {
        // SAFETY: a submix of this context, to which the layout belongs.
        unsafe { set(not_null(ffi::av_iamf_submix_add_layout(self.submix(group)?))?, options, 0) }
    }

    pub fn submix_element_count(&self, group: usize) -> usize {
        // SAFETY: a submix of this context.
        self.submix(group).map_or(0, |submix| unsafe { (*submix).nb_elements as usize })
    }
}

fn mix_gain() -> Result<*mut ffi::AVIAMFParamDefinition, AvError> {
    let kind = ffi::AV_IAMF_PARAMETER_DEFINITION_MIX_GAIN;
    // SAFETY: memory that the caller gives an owner.
    not_null(unsafe { ffi::av_iamf_param_definition_alloc(kind, 0, ptr::null_mut()) })
}
