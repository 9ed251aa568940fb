"""What learns: AHMSA-Net and STSTNet in stacks, a support vector machine, and how they are fitted."""
